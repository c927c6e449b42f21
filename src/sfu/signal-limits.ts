import type { SignalRequest } from '@livekit/protocol'
import { createRateLimit } from './rate-limit.ts'

type Kind = SignalRequest['message']['case']

// A client with many interfaces trickles hundreds of candidates as it joins.
const ALL = { perS: 50, burst: 1500 }
// Told to everyone in the room, or the dearest to work on.
const TOLD = { perS: 10, burst: 60, kinds: ['mute', 'addTrack', 'updateMetadata', 'offer'] as Kind[] }
// A client that subscribes to each track by itself does so as it joins.
const WISHES = { perS: 20, burst: 200, kinds: ['subscription', 'trackSetting'] as Kind[] }

/** What one participant may send: the returned function says whether one more of that kind is admitted at `nowMs`. */
export const createSignalLimits = (): ((kind: Kind, nowMs: number) => boolean) => {
  const all = createRateLimit(ALL.perS, ALL.burst)
  const dear = [TOLD, WISHES].map(({ perS, burst, kinds }) => ({ kinds, within: createRateLimit(perS, burst) }))
  return (kind, nowMs) => all(nowMs) && dear.every(({ kinds, within }) => !kinds.includes(kind) || within(nowMs))
}
