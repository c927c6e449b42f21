import { SENDER_INDICES } from '../client/packets-received.ts'

/** Who of a room's bots speaks: nobody, the first one, a few in turn of joining, all. */
export type TalkPattern = { kind: 'none' | 'one' | 'everyone' } | { kind: 'panel'; speakers: number }

export type SwarmWish = {
  /** The rooms' names; bots are spread over them evenly. */
  rooms: string[]
  bots: number
  talk: TalkPattern
  /** So many arrive in a second, one after the other. */
  rampPerS: number
  /** From when the last one was to arrive. */
  forMs: number
  /** So many listeners leave in a minute, each replaced by a new one. */
  churnPerMin: number
  /** So many listeners of each room decode what they hear. */
  decoding: number
  /** Part of every identity, so that runs do not meet. */
  runId: string
}

/** One stay in one room. */
export type SwarmBot = {
  identity: string
  room: number
  /** 1 and up, its voice on the wire and in its markers; null for a listener. */
  voice: number | null
  decodes: boolean
  joinAtMs: number
  leaveAtMs: number
}

export type SwarmPlan = {
  runId: string
  rooms: string[]
  bots: SwarmBot[]
  /** If everybody arrives in no time; else the run lasts until so long after the last arrival. */
  endMs: number
  forMs: number
}

/**
 * Who comes when, ms since the beginning. Those who speak come first, so that whoever comes later has something to
 * hear. `random` in [0, 1) picks who leaves.
 */
export const planSwarm = (wish: SwarmWish, random: () => number): SwarmPlan => {
  const { rooms, bots: count, rampPerS, forMs, runId } = wish
  const endMs = Math.ceil(((count - 1) * 1000) / rampPerS) + forMs
  const inRoom = rooms.map((_, room) => Math.floor(count / rooms.length) + (room < count % rooms.length ? 1 : 0))
  const speakersIn = inRoom.map((people) => Math.min(people, speakersOf(wish.talk)))
  const places = rooms.flatMap((_, room) =>
    Array.from({ length: inRoom[room]! }, (_, at) => ({ room, isSpeaker: at < speakersIn[room]!, at })),
  )
  // Rooms in turn, speakers before listeners.
  places.sort((a, b) => Number(b.isSpeaker) - Number(a.isSpeaker) || a.at - b.at || a.room - b.room)
  const bots = places.map(
    ({ room, isSpeaker, at }, index): SwarmBot => ({
      identity: `check-${runId}-${index + 1}`,
      room,
      voice: isSpeaker ? index + 1 : null,
      decodes: !isSpeaker && at - speakersIn[room]! < wish.decoding,
      joinAtMs: (index * 1000) / rampPerS,
      leaveAtMs: endMs,
    }),
  )
  return { runId, rooms, bots: [...bots, ...churn(bots, wish, endMs, random)], endMs, forMs }
}

const JOIN_EVERY_MS = 500

/** One after the other, each for three seconds; in a room of their own one more speaks all the time. */
export const planJoins = ({
  room,
  count,
  runId,
  isSpokenIn,
}: {
  room: string
  count: number
  runId: string
  isSpokenIn: boolean
}): SwarmPlan => {
  const startMs = isSpokenIn ? JOIN_EVERY_MS * 2 : 0
  const endMs = startMs + (count - 1) * JOIN_EVERY_MS + LEAST_STAY_MS
  const stay = (at: number, voice: number | null, joinAtMs: number, leaveAtMs: number): SwarmBot => {
    return { identity: `check-${runId}-${at}`, room: 0, voice, decodes: false, joinAtMs, leaveAtMs }
  }
  const speakers = isSpokenIn ? [stay(0, 1, 0, endMs)] : []
  const comers = Array.from({ length: count }, (_, at) => {
    const joinAtMs = startMs + at * JOIN_EVERY_MS
    return stay(at + 1, null, joinAtMs, joinAtMs + LEAST_STAY_MS)
  })
  return { runId, rooms: [room], bots: [...speakers, ...comers], endMs, forMs: LEAST_STAY_MS }
}

const speakersOf = (talk: TalkPattern): number =>
  ({ none: 0, one: 1, everyone: Number.POSITIVE_INFINITY, panel: 'speakers' in talk ? talk.speakers : 0 })[talk.kind]

/** Whoever has come is given time to hear something. */
export const LEAST_STAY_MS = 3_000

/** Nobody who decodes leaves. */
const churn = (bots: SwarmBot[], wish: SwarmWish, endMs: number, random: () => number): SwarmBot[] => {
  const everyMs = 60_000 / wish.churnPerMin
  const come: SwarmBot[] = []
  for (let atMs = endMs - wish.forMs + everyMs; atMs <= endMs - LEAST_STAY_MS; atMs += everyMs) {
    const leaving = [...bots, ...come].filter(
      ({ voice, decodes, joinAtMs, leaveAtMs }) =>
        voice === null && !decodes && leaveAtMs === endMs && atMs - joinAtMs >= LEAST_STAY_MS,
    )
    const one = leaving[Math.floor(random() * leaving.length)]
    if (!one) continue
    one.leaveAtMs = atMs
    come.push({ ...one, identity: `${one.identity}-${come.length + 1}`, joinAtMs: atMs, leaveAtMs: endMs })
  }
  return come
}

/** What a plan uses up at a server that counts it, rounded up. */
export const participantMinutes = ({ bots }: SwarmPlan): number =>
  Math.ceil(bots.reduce((sum, { joinAtMs, leaveAtMs }) => sum + leaveAtMs - joinAtMs, 0) / 60_000)

/** The number of a voice's first packet; see packets-received. */
export const firstIndexOf = (voice: number): number => voiceOnWire(voice) * SENDER_INDICES

/** By which a listener knows a voice's packets. */
export const voiceOnWire = (voice: number): number => voice % MAX_VOICES

const MAX_VOICES = 2 ** 12
/** Markers tell 16 voices apart. */
export const markerOf = (voice: number): number => voice % 16
