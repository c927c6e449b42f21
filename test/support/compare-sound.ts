import { levelBetween, levelsOf } from './session-sound.ts'

const BANDS = {
  low: { fromHz: 100, toHz: 400 },
  middle: { fromHz: 400, toHz: 2_000 },
  high: { fromHz: 2_000, toHz: 7_000 },
  all: { fromHz: 50, toHz: 16_000 },
}
const WINDOW_S = 5
/** What stands so near to the next stretch may lie in it when heard: a lag is known to 10 ms. */
const EDGE_S = 0.1
const MOST_LAG = 40
const SILENT_DB = -70
const AUDIBLE_DB = -50

/** One stretch of five seconds, held against what it should be. */
export type Stretch = {
  /** In the reference. */
  atS: number
  /** How much later than its place it was heard, to 10 ms; null where nothing changes that could tell. */
  lagMs: number | null
  /** The largest difference of a band's level; null where the reference is silent. */
  offByDb: number | null
  /** Silence of the reference that was none. */
  noiseDb: number | null
}

/**
 * Holds what was heard against a rendered reference, both mono at 48 kHz: where the reference lies in it, and then, for
 * every five seconds, how much later or earlier and how much louder or softer each band was.
 */
export const compareSounds = (heard: Int16Array, reference: Int16Array): { startsS: number; stretches: Stretch[] } => {
  const [is, should] = [levelsOf(heard, BANDS), levelsOf(reference, BANDS)]
  const start = placeOf(is.all, should.all)
  const stretches: Stretch[] = []
  let lag = 0
  for (let atS = 0; (atS + WINDOW_S) * 100 <= should.all.length; atS += WINDOW_S) {
    const own = lagNear(is.all, should.all, start + lag, atS * 100)
    lag += own ?? 0
    const fromS = atS + (start + lag) / 100
    const differences = (['low', 'middle', 'high'] as const).flatMap((band) => {
      const wanted = levelBetween(should[band], atS + EDGE_S, atS + WINDOW_S - EDGE_S)
      return wanted < AUDIBLE_DB ? [] : [levelBetween(is[band], fromS + EDGE_S, fromS + WINDOW_S - EDGE_S) - wanted]
    })
    const isSilent = levelBetween(should.all, atS, atS + WINDOW_S) < SILENT_DB - 10
    const noiseDb = levelBetween(is.all, fromS + EDGE_S, fromS + WINDOW_S - EDGE_S)
    stretches.push({
      atS,
      lagMs: own === null ? null : lag * 10,
      offByDb: differences.length === 0 ? null : differences.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0]!,
      noiseDb: isSilent && noiseDb > SILENT_DB ? noiseDb : null,
    })
  }
  return { startsS: start / 100, stretches }
}

const clipped = (db: number) => Math.max(AUDIBLE_DB - 10, db)

/** The shift at which both rise and fall together best over the first minute, in hops of 10 ms. */
const placeOf = (is: Float64Array, should: Float64Array): number => {
  const length = Math.min(6_000, should.length)
  let best = { shift: 0, error: Number.POSITIVE_INFINITY }
  for (const step of [5, 1]) {
    const around = best.shift
    const from = step === 5 ? -1_000 : around - 10
    const to = step === 5 ? is.length - length / 2 : around + 10
    for (let shift = from; shift <= to; shift += step) {
      const error = errorOf(is, should, shift, 0, length, step)
      if (error < best.error) best = { shift, error }
    }
  }
  return best.shift
}

const errorOf = (is: Float64Array, should: Float64Array, shift: number, from: number, length: number, step: number) => {
  let error = 0
  let count = 0
  for (let hop = from; hop < from + length; hop += step) {
    const there = hop + shift
    if (there < 0 || there >= is.length || hop >= should.length) continue
    error += Math.abs(clipped(is[there]!) - clipped(should[hop]!))
    count++
  }
  return count < length / step / 4 ? Number.POSITIVE_INFINITY : error / count
}

/** How far a stretch lies from where the one before it has it; null where nothing in it changes. */
const lagNear = (is: Float64Array, should: Float64Array, shift: number, from: number): number | null => {
  const part = should.subarray(from, from + WINDOW_S * 100).map(clipped)
  const spread = Math.max(...part) - Math.min(...part)
  if (spread < 12) return null
  let best = { lag: 0, error: Number.POSITIVE_INFINITY }
  for (let lag = -MOST_LAG; lag <= MOST_LAG; lag++) {
    const error = errorOf(is, should, shift + lag, from, WINDOW_S * 100, 1)
    if (error < best.error) best = { lag, error }
  }
  return best.lag
}
