import { PACKET_MS } from '../client/packets-markers.ts'
import { PLAYOUT_MS } from '../client/packets-received.ts'
import { mosOf } from './mos.ts'
import type { BotRecord, DelaySpread, PairRecord, SwarmEvidence } from './swarm-evidence.ts'

/**
 * What a swarm measures. `join`: ms from the first request to being in the room with a path for sound. `first-audio`: ms
 * from there, or from when the speaker began, to the first packet with sound. `delay`: ms of one packet from bot to bot.
 * `jitter`: ms, RFC 3550. `pause`: ms, the longest between two packets of a bot. `loss`: share of packets that never
 * came; `concealment`: of those that came too late to be played, too. `mos`: 1 to 4.5, see mos.ts. `heard`: share of
 * listeners and voices.
 */
export const metricNames = [
  'join',
  'first-audio',
  'delay',
  'jitter',
  'pause',
  'loss',
  'concealment',
  'mos',
  'heard',
] as const
export type MetricName = (typeof metricNames)[number]

/** `rate` of loss and concealment is of all packets together; of `join` and `heard`, of those who could have. */
export type Figure = {
  count: number
  min: number
  p50: number
  p95: number
  p99: number
  max: number
  rate: number | null
}

/** `room` is null for all rooms together. */
export type SwarmFigures = { room: string | null; metrics: Record<MetricName, Figure | null> }

/** All rooms together first. */
export const figuresOf = (evidence: SwarmEvidence): SwarmFigures[] =>
  [null, ...evidence.rooms.keys()].map((room) => {
    const isHere = (one: { room: number }): boolean => room === null || one.room === room
    return {
      room: room === null ? null : evidence.rooms[room]!,
      metrics: metricsOf(
        evidence.bots.filter(isHere),
        evidence.pairs.filter(isHere),
        evidence.delays[room === null ? 0 : room + 1] ?? null,
      ),
    }
  })

const metricsOf = (bots: BotRecord[], pairs: PairRecord[], delay: DelaySpread | null): SwarmFigures['metrics'] => {
  const came = pairs.filter(({ packets }) => packets > 0)
  const sum = (of: (pair: PairRecord) => number): number => came.reduce((total, pair) => total + of(pair), 0)
  const due = sum(dueOf)
  const joined = bots.filter(({ joinedMs }) => joinedMs !== null)
  const begins = new Map(bots.map((bot) => [bot.identity, bot]))
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)
  const timed = pairs.filter(({ medianDelayMs }) => medianDelayMs !== null)
  return {
    join: figure(
      joined.map(({ startedMs, joinedMs }) => joinedMs! - startedMs),
      share(joined.length, bots.length),
    ),
    'first-audio': figure(
      pairs.filter(({ firstSoundMs }) => firstSoundMs !== null).map((pair) => firstAudioMs(pair, begins)),
    ),
    delay: delay && {
      count: delay.count,
      min: delay.minMs,
      p50: delay.medianMs,
      p95: delay.p95Ms,
      p99: delay.p99Ms,
      max: delay.maxMs,
      rate: null,
    },
    jitter: figure(came.map(({ jitterMs }) => jitterMs)),
    pause: figure(pairs.flatMap(({ longestPauseMs }) => longestPauseMs ?? [])),
    loss: figure(
      came.map((pair) => pair.lost / dueOf(pair)),
      share(
        sum(({ lost }) => lost),
        due,
      ),
    ),
    concealment: figure(
      came.map(concealedShare),
      share(
        sum(({ lost, late }) => lost + late),
        due,
      ),
    ),
    mos: figure(timed.map((pair) => mosOf({ delayMs: mouthToEarMs(pair), lossShare: concealedShare(pair) }))),
    heard: figure(
      pairs.map((pair) => Number(isHeard(pair))),
      share(pairs.filter(isHeard).length, pairs.length),
    ),
  }
}

/** Longer than this without a packet, and a voice that sends all the time is not heard any more. */
const SILENT_MS = 2_000

/** A voice of ours sends without a pause; a stranger may fall silent. */
export const isHeard = ({ firstSoundMs, longestPauseMs }: PairRecord): boolean =>
  firstSoundMs !== null && (longestPauseMs ?? 0) < SILENT_MS

const dueOf = ({ packets, lost }: PairRecord): number => packets + lost

const concealedShare = (pair: PairRecord): number => Math.min(1, (pair.lost + pair.late) / dueOf(pair))

/** The time to fill a packet, its way, and the receiver's buffer. */
const mouthToEarMs = ({ medianDelayMs }: PairRecord): number => PACKET_MS + medianDelayMs! + PLAYOUT_MS

const firstAudioMs = ({ listener, speaker, firstSoundMs }: PairRecord, bots: Map<string, BotRecord>): number => {
  const cameMs = bots.get(listener)?.startedMs ?? 0
  return Math.max(0, firstSoundMs! - Math.max(cameMs, bots.get(speaker)?.firstSentMs ?? 0))
}

const figure = (values: number[], rate: number | null = null): Figure | null => {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  // Nearest rank.
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
  return {
    count: sorted.length,
    min: sorted[0]!,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: sorted.at(-1)!,
    rate,
  }
}
