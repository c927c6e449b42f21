import { LEVEL_MS, type LevelLine } from '../../audio/sound-line.ts'
import type { Stretch } from './times.ts'

/** What was said counts as sound above this, and what was heard a little below it: dBFS RMS over 10 ms. */
export const SAID_DB = -50
export const HEARD_DB = -55
/** A silence that ends a turn: shorter ones are part of speech. */
export const TURN_SILENCE_MS = 700
/** Shorter sound is a click. */
const LEAST_SOUND_MS = 20

/** Stretches above a level; silences shorter than `silenceMs` belong to them. */
export const audibleStretches = ({ fromMs, db }: LevelLine, aboveDb: number, silenceMs: number): Stretch[] => {
  const stretches: Stretch[] = []
  for (let i = 0; i < db.length; i++) {
    if (db[i]! <= aboveDb) continue
    const atMs = fromMs + i * LEVEL_MS
    const last = stretches.at(-1)
    if (last && atMs - last.untilMs <= silenceMs) last.untilMs = atMs + LEVEL_MS
    else stretches.push({ fromMs: atMs, untilMs: atMs + LEVEL_MS })
  }
  return stretches.filter((stretch) => stretch.untilMs - stretch.fromMs >= LEAST_SOUND_MS)
}

export const partsWithin = (stretches: readonly Stretch[], { fromMs, untilMs }: Stretch): Stretch[] =>
  stretches
    .filter((stretch) => stretch.fromMs < untilMs && stretch.untilMs > fromMs)
    .map((stretch) => ({ fromMs: Math.max(fromMs, stretch.fromMs), untilMs: Math.min(untilMs, stretch.untilMs) }))

const MOST_LAG_MS = 3000
/** Edges that fit about as well: the earlier lag is taken. */
const TIE_SLOTS = 3

/**
 * How much later than it was said something was heard, told by when it sounds and when not: for a sound whose wave
 * repeats itself. Where several lags fit, as when a beginning is missing, the smallest.
 */
export const edgeLagMs = (said: LevelLine, heard: LevelLine, knownUntilMs: number): number => {
  // What was said before there was anything to hear it by tells nothing; it is kept as it moves in with the lag.
  const fromMs = heard.fromMs
  const count = Math.max(0, Math.ceil((knownUntilMs - fromMs) / LEVEL_MS))
  const most = MOST_LAG_MS / LEVEL_MS
  const saidAt = masks(said, SAID_DB, fromMs - MOST_LAG_MS, count + most)
  const heardAt = masks(heard, HEARD_DB, fromMs, count)
  const differencesAt = (lag: number): number => {
    let differences = 0
    for (let i = 0; i < count; i++) if (saidAt[i + most - lag] !== heardAt[i]) differences++
    return differences
  }
  let best = { lag: 0, differences: differencesAt(0) }
  for (let lag = 1; lag <= most; lag++) {
    const differences = differencesAt(lag)
    if (differences < best.differences - TIE_SLOTS) best = { lag, differences }
  }
  // A clear winner may stand a few slots beside the first that was nearly as good.
  const near = Array.from({ length: 2 * TIE_SLOTS + 1 }, (_, i) => best.lag - TIE_SLOTS + i).filter(
    (lag) => lag >= 0 && lag <= most,
  )
  return near.reduce((lag, one) => (differencesAt(one) < differencesAt(lag) ? one : lag), near[0]!) * LEVEL_MS
}

const masks = ({ fromMs, db }: LevelLine, aboveDb: number, startMs: number, count: number): Uint8Array => {
  const offset = Math.round((fromMs - startMs) / LEVEL_MS)
  return Uint8Array.from({ length: count }, (_, i) => ((db[i - offset] ?? -100) > aboveDb ? 1 : 0))
}
