import type { RunnerHealth } from './contract.ts'

/** What a swarm gathers, as plain data. Times are ms since the run began, by the runner's clock. */
export type SwarmEvidence = {
  runId: string
  rooms: string[]
  /** Null: as it came to its end. Else why not: `interrupted`, `quota`, or what broke. */
  cutShort: { code: string; message: string } | null
  durationMs: number
  bots: BotRecord[]
  pairs: PairRecord[]
  /** What was decoded, by those who do. */
  heard: HeardRecord[]
  /** Of all packets from bots to bots, all rooms together first, then room by room; null where there were none. */
  delays: (DelaySpread | null)[]
  health: RunnerHealth
  /** Datagrams that the machine dropped unread meanwhile; null where the system does not tell. */
  unreadDatagrams: number | null
}

export type DelaySpread = {
  count: number
  minMs: number
  medianMs: number
  p95Ms: number
  p99Ms: number
  maxMs: number
}

export type BotRecord = {
  identity: string
  room: number
  voice: number | null
  startedMs: number
  /** In the room, with a path for sound. */
  joinedMs: number | null
  /** Why it did not join, or could not speak. */
  error: { code: string; message: string } | null
  /** Why it was out before its time. */
  ended: string | null
  /** As a speaker: packets handed to the network, those that were due by then, and when the first one went. */
  sent: number
  due: number
  firstSentMs: number | null
}

/** One listener and one track that was there to be heard. */
export type PairRecord = {
  listener: string
  room: number
  /** An identity. */
  speaker: string
  /** Of a bot of this run; null for a stranger, whose packets bear no numbers and no times of ours. */
  voice: number | null
  isEncrypted: boolean
  wasMuted: boolean
  /** It was to be heard from then until then. */
  fromMs: number
  untilMs: number
  firstMs: number | null
  firstSoundMs: number | null
  lastMs: number | null
  packets: number
  lost: number
  duplicates: number
  reordered: number
  /** Came too late to be played; see packets-received. */
  late: number
  /** By whose numbers the packets were numbered. */
  voices: number[]
  jitterMs: number
  /** Between two packets, or from the last one to the end; null for a stranger, who may pause. */
  longestPauseMs: number | null
  medianDelayMs: number | null
}

export type HeardRecord = {
  listener: string
  room: number
  speaker: string
  voice: number | null
  /** Audible. */
  seconds: number
  levelDb: number
  frequencyHz: number
  longestGapMs: number
  /** How many of which markers. */
  markers: Record<number, number>
}
