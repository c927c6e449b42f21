import { FRAME_MS } from '../../audio/frame.ts'
import { gainOfDb } from '../../audio/level.ts'

/** Nothing goes over it, and what stays below it is left as it is. */
const CEILING = 32768 * gainOfDb(-1.5)
const RELEASE_MS = 200

/**
 * Keeps a mix below -1.5 dBFS by seeing the frame after the one it gives: the gain is where it has to be before a peak
 * comes, so nothing is bent; it comes back within about 200 ms.
 */
export const createLookAheadLimiter = (channels: number) => {
  let gain = 1
  return {
    /** Writes `frame` as 16 bits; `following` is what comes next. */
    apply: (frame: Float32Array, following: Float32Array, into: Int16Array) => {
      const allowed = Math.min(allowedFor(frame), allowedFor(following))
      const released = gain + (1 - gain) * (FRAME_MS / RELEASE_MS)
      // Close enough to 1 is 1, so that quiet sound passes bit by bit again.
      const next = Math.min(allowed, released > 0.999 ? 1 : released)
      // It may have been cut in (a jump): then there was nothing before it to come down in.
      const first = Math.min(gain, allowedFor(frame))
      if (first === 1 && next === 1) for (let i = 0; i < frame.length; i++) into[i] = Math.round(frame[i]!)
      else {
        const steps = frame.length / channels
        for (let i = 0; i < frame.length; i++) {
          const share = (Math.floor(i / channels) + 1) / steps
          into[i] = Math.round(frame[i]! * (first + (next - first) * share))
        }
      }
      gain = next
    },
  }
}

const allowedFor = (samples: Float32Array): number => {
  let peak = 0
  for (let i = 0; i < samples.length; i++) {
    const magnitude = samples[i]! < 0 ? -samples[i]! : samples[i]!
    if (magnitude > peak) peak = magnitude
  }
  return peak > CEILING ? CEILING / peak : 1
}
