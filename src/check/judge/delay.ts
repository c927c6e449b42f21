import { WINDOW_MS } from '../../audio/likeness.ts'
import type { HearLimits } from '../contract.ts'
import type { Finding, limit } from './finding.ts'
import { countedTracks } from './listening.ts'
import { comparedPart, type Pair, unheard, unrecognised } from './pair.ts'
import { msText, overlapMs, type Stretch, timeText } from './times.ts'

/** A stretch of sound that agrees so well tells where it is. */
const SURE_MATCH = 0.6
const LEAST_WINDOWS = 4

/** Mouth to ear: of each audible stretch by its wave, of light listeners by the stamps of packets, of a tone by its edges. */
export const delayFinding = (
  pair: Pair,
  limits: NonNullable<HearLimits['delay']>,
  tell: ReturnType<typeof limit>,
): Finding => {
  const told = countedDelays(pair) ?? heardDelays(pair, tell)
  if ('finding' in told) return told.finding
  const { delays, during, source, isAtMost } = told
  const names = (['p50', 'p95', 'p99'] as const).filter((name) => limits[`${name}Ms`] !== null)
  const byMs = Math.max(...names.map((name) => delays[`${name}Ms`] - limits[`${name}Ms`]!))
  if (isAtMost && byMs > 0)
    return tell.unknown('no-lag', `${source} A tone that goes on to the end does not tell it closer.`)
  return tell.judged(byMs <= 0, {
    measured: names.map((name) => `${name} ${msText(delays[`${name}Ms`])}`).join(', '),
    at: during,
    evidence: [source],
    excuse: { during, byMs },
  })
}

type Delays = {
  delays: { p50Ms: number; p95Ms: number; p99Ms: number }
  during: Stretch
  source: string
  /** They may be shorter, not longer. */
  isAtMost: boolean
}

/** Percentiles of several tracks do not add up: the longest track speaks for all. */
const countedDelays = ({ hearing, window }: Pair): Delays | null => {
  const counted = countedTracks(hearing).flatMap(({ sound }) => (sound.delayMs ? [sound.delayMs] : []))
  const most = counted.toSorted((a, b) => b.count - a.count)[0]
  return most
    ? {
        delays: { p50Ms: most.medianMs, p95Ms: most.p95Ms, p99Ms: most.p99Ms },
        during: window,
        source: `${most.count} packets that carried when they were sent.`,
        isAtMost: false,
      }
    : null
}

const heardDelays = (pair: Pair, tell: ReturnType<typeof limit>): Delays | { finding: Finding } => {
  const missing = unheard(pair, tell) ?? unrecognised(pair, tell)
  if (missing) return { finding: missing }
  const part = comparedPart(pair)!
  return pair.said!.repetition.kind === 'tone' ? edgeDelays(pair, part, tell) : waveDelays(pair, part, tell)
}

const edgeDelays = (pair: Pair, during: Stretch, tell: ReturnType<typeof limit>): Delays | { finding: Finding } => {
  const { speaker, listener, scene } = pair
  const { turns } = pair.said!
  const ms = pair.comparison!.edgeMs!
  const hasStart = turns.some(({ fromMs }) => fromMs >= pair.heard!.levels.fromMs - EARLY_MS)
  const hasEnd = turns.some(
    ({ untilMs }) => untilMs >= during.fromMs && untilMs <= scene.evidence.durationMs - UNKNOWN_END_MS,
  )
  if (!hasStart && !hasEnd)
    return {
      finding: tell.unknown(
        'no-lag',
        `A tone tells its delay by when it begins and ends, and while ${listener} was there that of ${speaker} did neither.`,
      ),
    }
  return {
    delays: { p50Ms: ms, p95Ms: ms, p99Ms: ms },
    during,
    source: `By when the tone begins and ends alone, to about 20 ms: ${msText(ms)}.`,
    isAtMost: !hasEnd,
  }
}

/** A track may be there a little after its sound began. */
const EARLY_MS = 200
/** A sound that goes on until so shortly before the end was not heard to end. */
const UNKNOWN_END_MS = 500

const waveDelays = (pair: Pair, part: Stretch, tell: ReturnType<typeof limit>): Delays | { finding: Finding } => {
  const { speaker, listener, window, scene } = pair
  const sure = pair.comparison!.windows.filter(
    ({ atMs, match }) =>
      match >= SURE_MATCH && atMs >= Math.max(window.fromMs, part.fromMs - WINDOW_MS) && atMs <= part.untilMs,
  )
  if (sure.length < LEAST_WINDOWS)
    return {
      finding: tell.unknown(
        'too-short',
        `Only ${sure.length} stretches of what ${speaker} said were recognised, too few to tell a delay.`,
      ),
    }
  const stalls = [...scene.evidence.health.stalls, ...pair.said!.spoken.stalls].map(({ atMs, ms }) => ({
    fromMs: atMs,
    untilMs: atMs + ms,
  }))
  const calm = sure.filter(({ atMs, lagMs }) =>
    stalls.every((stall) => overlapMs(stall, { fromMs: atMs, untilMs: atMs + WINDOW_MS + lagMs }) === 0),
  )
  if (calm.length < sure.length / 2)
    return {
      finding: tell.unknown(
        'runner',
        `The runner stood still in ${sure.length - calm.length} of ${sure.length} stretches, which tell no delay then.`,
      ),
    }
  const lags = calm.map(({ lagMs }) => lagMs).toSorted((a, b) => a - b)
  const at = (share: number): number => lags[Math.ceil(share * lags.length) - 1]!
  return {
    delays: { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) },
    during: part,
    source: `${lags.length} stretches of ${WINDOW_MS} ms, each found in what ${listener} heard, from ${timeText(calm[0]!.atMs)} to ${timeText(calm.at(-1)!.atMs)}: ${msText(lags[0]!)} to ${msText(lags.at(-1)!)}.`,
    isAtMost: false,
  }
}
