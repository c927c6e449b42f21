import { matchSounds, medianOf, type Repetition, repetitionOf, type SoundMatch } from '../../audio/likeness.ts'
import { type LevelLine, levelLineOf, type SoundLine, soundLineOf } from '../../audio/sound-line.ts'
import type { Evidence, HeardTrack, Hearing, SoundPiece, Spoken } from '../contract.ts'
import { audibleStretches, edgeLagMs, HEARD_DB, SAID_DB, TURN_SILENCE_MS } from './audible.ts'
import type { Stretch } from './times.ts'

/** What somebody said, as sound on a time line. */
export type Said = {
  spoken: Spoken
  levels: LevelLine
  line: SoundLine
  repetition: Repetition
  /** Audible stretches, and turns: stretches with silence before and after. */
  stretches: Stretch[]
  turns: Stretch[]
}

/** What somebody heard of one other, as sound on a time line. */
export type Heard = {
  /** One after the other: a second track at the same time is left out, and told by `copies`. */
  tracks: DecodedTrack[]
  /** Tracks that gave the same person's sound at the same time as one of `tracks`. */
  copies: DecodedTrack[]
  levels: LevelLine
  line: SoundLine
  stretches: Stretch[]
}

export type DecodedTrack = HeardTrack & { sound: { kind: 'decoded' } }
export type CountedTrack = HeardTrack & { sound: { kind: 'packets' } }

/** How what was said came through; times of `said` are a speaker's, of `heard` a listener's, on the same clock. */
export type Comparison = SoundMatch & {
  /** How much later than it was said something is heard at this time; 0 where nothing tells. */
  lagAt(saidMs: number): number
  /** Told by the wave itself; else by beginnings and ends, and no closer than 20 ms. */
  isExact: boolean
  /** The lag of the edges, for a tone. */
  edgeMs: number | null
}

/** Measures each sound once, and only when somebody asks. */
export type Ears = {
  said(actor: string): Said | null
  heard(hearing: Hearing): Heard | null
  compare(actor: string, hearing: Hearing): Comparison | null
}

export const openEars = (evidence: Evidence): Ears => {
  const said = memo((actor: string) => {
    const spoken = evidence.spoken.find((one) => one.actor === actor)
    return spoken && spoken.pieces.length > 0 ? saidOf(spoken) : null
  })
  const heard = memo(heardOf)
  const comparisons = new Map<Hearing, Map<string, Comparison | null>>()
  return {
    said,
    heard,
    compare: (actor, hearing) => {
      const known = comparisons.get(hearing) ?? new Map<string, Comparison | null>()
      comparisons.set(hearing, known)
      if (!known.has(actor)) {
        const [source, sound] = [said(actor), heard(hearing)]
        known.set(actor, source && sound ? compare(source, sound, evidence.durationMs) : null)
      }
      return known.get(actor) ?? null
    },
  }
}

export const countedTracks = (hearing: Hearing): CountedTrack[] =>
  hearing.tracks.filter((track): track is CountedTrack => track.sound.kind === 'packets')

/** Beyond it nobody would call it the same talk. */
const MAX_LAG_MS = 3000
/** Clocks of frames that are counted may run ahead a little. */
const MIN_LAG_MS = -100
/** Around a lag that the edges told. */
const NEAR_MS = 40
const SAME_WAVE = 0.4

const saidOf = (spoken: Spoken): Said => {
  const levels = levelLineOf(spoken.pieces)
  const line = soundLineOf(spoken.pieces)
  return {
    spoken,
    levels,
    line,
    repetition: repetitionOf(line, MAX_LAG_MS),
    stretches: audibleStretches(levels, SAID_DB, 0),
    turns: audibleStretches(levels, SAID_DB, TURN_SILENCE_MS),
  }
}

const heardOf = (hearing: Hearing): Heard | null => {
  const decoded = hearing.tracks.filter((track): track is DecodedTrack => track.sound.kind === 'decoded')
  if (decoded.length === 0) return null
  const tracks: DecodedTrack[] = []
  const copies: DecodedTrack[] = []
  const soundOf = (track: DecodedTrack) => audibleStretches(levelLineOf(track.sound.pieces), HEARD_DB, 0)
  for (const track of decoded.toSorted((a, b) => soundMs(soundOf(b)) - soundMs(soundOf(a)))) {
    const own = soundOf(track)
    const isCopy = tracks.some((other) => togetherMs(own, soundOf(other)) >= COPY_MS)
    ;(isCopy ? copies : tracks).push(track)
  }
  const pieces: SoundPiece[] = tracks.flatMap((track) => track.sound.pieces)
  const levels = levelLineOf(pieces)
  return { tracks, copies, levels, line: soundLineOf(pieces), stretches: audibleStretches(levels, HEARD_DB, 0) }
}

/** A track that takes over from another may overlap with it for a moment. */
const COPY_MS = 500

const soundMs = (stretches: readonly Stretch[]): number =>
  stretches.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0)

const togetherMs = (some: readonly Stretch[], others: readonly Stretch[]): number =>
  some.reduce(
    (sum, a) =>
      sum +
      others.reduce(
        (inner, b) => inner + Math.max(0, Math.min(a.untilMs, b.untilMs) - Math.max(a.fromMs, b.fromMs)),
        0,
      ),
    0,
  )

const compare = (said: Said, heard: Heard, endMs: number): Comparison => {
  const { repetition } = said
  if (repetition.kind === 'unique') {
    const match = matchSounds(said.line, heard.line, { minLagMs: MIN_LAG_MS, maxLagMs: MAX_LAG_MS })
    return { ...match, lagAt: lagBy(match, match.lagMs ?? 0), isExact: match.lagMs !== null, edgeMs: null }
  }
  const edgeMs = edgeLagMs(said.levels, heard.levels, endMs)
  const nearMs = repetition.kind === 'tone' ? NEAR_MS : Math.min(MAX_LAG_MS, repetition.periodMs / 2 - 1)
  const match = matchSounds(said.line, heard.line, {
    minLagMs: Math.max(MIN_LAG_MS, edgeMs - nearMs),
    maxLagMs: edgeMs + nearMs,
    aroundMs: edgeMs,
  })
  if (repetition.kind === 'tone') return { ...match, lagMs: null, lagAt: () => edgeMs, isExact: false, edgeMs }
  return { ...match, lagAt: lagBy(match, edgeMs), isExact: match.lagMs !== null, edgeMs }
}

/** The lag of the nearest window that agrees. */
const lagBy = ({ windows, lagMs }: SoundMatch, otherwiseMs: number) => {
  const known = windows.filter(({ match }) => match >= SAME_WAVE)
  const steady = known.map((window, i) => ({
    atMs: window.atMs,
    // One window alone may be mistaken.
    lagMs: medianOf([known[i - 1] ?? window, window, known[i + 1] ?? window].map((one) => one.lagMs)),
  }))
  return (saidMs: number): number => {
    let best: { atMs: number; lagMs: number } | undefined
    for (const window of steady)
      if (!best || Math.abs(window.atMs + 160 - saidMs) < Math.abs(best.atMs + 160 - saidMs)) best = window
    return best?.lagMs ?? lagMs ?? otherwiseMs
  }
}

const memo = <Key, Value>(make: (key: Key) => Value): ((key: Key) => Value) => {
  const made = new Map<Key, Value>()
  return (key) => {
    if (!made.has(key)) made.set(key, make(key))
    return made.get(key)!
  }
}
