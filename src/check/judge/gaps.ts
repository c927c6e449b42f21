import { LEVEL_MS, levelAt } from '../../audio/sound-line.ts'
import type { Stall, TrackCounters } from '../contract.ts'
import { partsWithin } from './audible.ts'
import type { Comparison, DecodedTrack, Heard, Said } from './listening.ts'
import type { Pair } from './pair.ts'
import { closed, overlapMs, type Stretch } from './times.ts'

/** What is missing of what was said. */
export type Gaps = {
  /** On the listener's clock, in order. */
  silent: Stall[]
  /** The longest stretch that the receiver made up: no shorter than `least`, no longer than `most`. */
  concealed: { leastMs: number; mostMs: number; atMs: number }
  /** Of `saidMs` of sound that were due, so much was silent or made up. */
  missingMs: number
  saidMs: number
}

/** How far apart the two lines may lie where the wave told the lag, and where only the edges did. */
const SLACK_MS = { exact: 10, edges: 30 }
/** Sound that is so much weaker than what was said is none. */
const FAR_BELOW_DB = 25
/** Below it what was said is too soft for a gap to be told from it. */
const LOUD_DB = -45
/** A mute is known a little after it, and a little before the sound is back. */
const MUTE_EDGE_MS = { before: 500, after: 300 }

/**
 * Holes in what a decoding listener heard of that part of what was said and recognised: silence where
 * sound was due, and what its receiver says that it made up while sound was due.
 */
export const gapsOf = (pair: Pair, part: Stretch): Gaps => {
  const { hearing } = pair
  const [said, heard, comparison] = [pair.said!, pair.heard!, pair.comparison!]
  const mutes = closed(hearing.muted, Number.POSITIVE_INFINITY).map(({ fromMs, untilMs }) => ({
    fromMs: fromMs - MUTE_EDGE_MS.before,
    untilMs: untilMs + MUTE_EDGE_MS.after,
  }))
  const isDue = (saidMs: number, heardMs: number): boolean =>
    levelAt(said.levels, saidMs) > LOUD_DB &&
    !mutes.some(({ fromMs, untilMs }) => heardMs >= fromMs && heardMs <= untilMs)
  const silent = silencesOf(said, heard, comparison, part, isDue)
  const runs = heard.tracks.map((track) => concealmentOf(track, said, comparison, part, mutes))
  const concealed = runs.reduce((a, b) => (b.mostMs > a.mostMs ? b : a), NOTHING)
  const saidMs = partsWithin(said.stretches, part).reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0)
  const silentMs = silent.reduce((sum, { ms }) => sum + ms, 0)
  return {
    silent,
    concealed,
    missingMs: Math.max(
      silentMs,
      runs.reduce((sum, { totalMs }) => sum + totalMs, 0),
    ),
    saidMs,
  }
}

const silencesOf = (
  said: Said,
  heard: Heard,
  { lagAt, isExact }: Comparison,
  { fromMs, untilMs }: Stretch,
  isDue: (saidMs: number, heardMs: number) => boolean,
): Stall[] => {
  const slackMs = isExact ? SLACK_MS.exact : SLACK_MS.edges
  const gaps: Stall[] = []
  let sinceMs: number | null = null
  let lastMs = 0
  const end = () => {
    if (sinceMs !== null) gaps.push({ atMs: sinceMs - slackMs, ms: lastMs + LEVEL_MS - sinceMs + 2 * slackMs })
    sinceMs = null
  }
  for (const stretch of partsWithin(said.stretches, { fromMs, untilMs })) {
    for (let atMs = stretch.fromMs; atMs < stretch.untilMs; atMs += LEVEL_MS) {
      const heardMs = atMs + lagAt(atMs)
      const isMissing =
        isDue(atMs, heardMs) && loudestAround(heard, heardMs, slackMs) < levelAt(said.levels, atMs) - FAR_BELOW_DB
      if (isMissing) sinceMs ??= heardMs
      if (isMissing) lastMs = heardMs
      else if (isDue(atMs, heardMs)) end()
    }
  }
  end()
  return withoutStarts(gaps, said, heard, lagAt)
}

const loudestAround = ({ levels }: Heard, atMs: number, slackMs: number): number => {
  let loudest = -100
  for (let at = atMs - slackMs; at <= atMs + slackMs; at += LEVEL_MS) loudest = Math.max(loudest, levelAt(levels, at))
  return loudest
}

/** A gap that reaches back to the beginning of a turn of which something was heard later is what `start-cut` tells. */
const withoutStarts = (gaps: Stall[], said: Said, heard: Heard, lagAt: (saidMs: number) => number): Stall[] =>
  gaps.filter(({ atMs, ms }) => {
    const turn = said.turns.find(({ fromMs }) => Math.abs(fromMs + lagAt(fromMs) - atMs) <= 60)
    if (!turn) return true
    const endMs = turn.untilMs + lagAt(turn.untilMs)
    return !heard.stretches.some((stretch) => stretch.untilMs > atMs + ms && stretch.fromMs < endMs)
  })

const NOTHING = { leastMs: 0, mostMs: 0, atMs: 0, totalMs: 0 }
/** A jitter buffer begins with made-up sound; the first readings after a pause speak of that. */
const SETTLING_MS = 1000
/** The shortest stretch that libwebrtc's receiver makes up. */
const EVENT_MS = 10

/**
 * The longest stretch that was made up, as closely as counters tell: between two readings n stretches of together c ms
 * cannot hold one longer than c - 10 (n - 1), nor only ones shorter than c / n; and one may go on across a reading.
 */
const concealmentOf = (
  track: DecodedTrack,
  said: Said,
  { lagAt }: Comparison,
  part: Stretch,
  mutes: readonly Stretch[],
) => {
  const longest = { ...NOTHING }
  let open = { leastMs: 0, mostMs: 0 }
  const { counters } = track.sound
  const startMs = counters.find(({ packetsReceived }) => packetsReceived > 0)?.atMs ?? track.fromMs
  for (const [i, is] of counters.entries()) {
    const was = counters[i - 1]
    if (!was) continue
    const span = { fromMs: was.atMs, untilMs: is.atMs }
    const isSettled =
      was.atMs >= startMs + SETTLING_MS &&
      !mutes.some(({ fromMs, untilMs }) => overlapMs(span, { fromMs, untilMs: untilMs + SETTLING_MS }) > 0)
    const madeUpMs = isSettled && isTalk(said, span, lagAt, part) ? voicedMs(was, is) : 0
    if (madeUpMs === 0) {
      open = { leastMs: 0, mostMs: 0 }
      continue
    }
    const events = is.concealmentEvents === undefined ? undefined : is.concealmentEvents - (was.concealmentEvents ?? 0)
    const bounds = boundsOf(madeUpMs, events, open, is.atMs - was.atMs)
    open = bounds.open
    longest.totalMs += madeUpMs
    longest.leastMs = Math.max(longest.leastMs, bounds.leastMs)
    if (bounds.mostMs > longest.mostMs) Object.assign(longest, { mostMs: bounds.mostMs, atMs: was.atMs })
  }
  return longest
}

const boundsOf = (
  ms: number,
  events: number | undefined,
  open: { leastMs: number; mostMs: number },
  lengthMs: number,
) => {
  const count = events ?? 1
  const goesOn = ms >= lengthMs - EVENT_MS
  const across = open.mostMs > 0 ? open.mostMs + ms - EVENT_MS * count : 0
  const within = ms - EVENT_MS * Math.max(0, count - 1)
  const least = events === undefined ? 0 : events === 0 ? open.leastMs + ms : ms / (events + (open.mostMs > 0 ? 1 : 0))
  const isOneAlone = count === 1 && open.mostMs === 0
  return {
    mostMs: Math.max(across, within),
    leastMs: least,
    open: goesOn
      ? { leastMs: events === undefined ? 0 : least, mostMs: Math.max(across, within) }
      : count === 0
        ? { leastMs: 0, mostMs: 0 }
        : { leastMs: events !== undefined && isOneAlone ? ms : EVENT_MS, mostMs: within },
  }
}

/** Sound that was made up, with what faded out in it; made-up silence alone is what a pause in sending looks like. */
const voicedMs = (was: TrackCounters, is: TrackCounters): number => {
  const all = is.concealedSamples - was.concealedSamples
  const voiced = all - (is.silentConcealedSamples - was.silentConcealedSamples)
  return voiced > 0 ? all / 48 : 0
}

/** Sound was due all along between two readings. */
const isTalk = (said: Said, span: Stretch, lagAt: (saidMs: number) => number, part: Stretch): boolean => {
  const lagMs = lagAt(span.fromMs)
  const source = { fromMs: span.fromMs - lagMs, untilMs: span.untilMs - lagMs }
  const lengthMs = source.untilMs - source.fromMs
  const saidMs = partsWithin(partsWithin(said.stretches, part), source).reduce(
    (sum, one) => sum + one.untilMs - one.fromMs,
    0,
  )
  return saidMs >= 0.5 * lengthMs
}
