import type { Channels } from './frame.ts'

/** Copies interleaved samples between channel counts: mono is doubled, stereo averaged. `into` has the fitting length. */
export const toChannels = (
  from: Int16Array,
  fromChannels: Channels,
  into: Int16Array,
  intoChannels: Channels,
): Int16Array => {
  if (fromChannels === intoChannels) into.set(from)
  else if (intoChannels === 2) for (let i = 0; i < from.length; i++) into[2 * i] = into[2 * i + 1] = from[i]!
  else for (let i = 0; i < into.length; i++) into[i] = Math.round((from[2 * i]! + from[2 * i + 1]!) / 2)
  return into
}
