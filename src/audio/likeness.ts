import { fftOf } from './fft.ts'
import { LINE_RATE, type SoundLine } from './sound-line.ts'

/** One stretch of a source, and how well the best place in what was heard agrees with it. */
type MatchWindow = {
  /** On the source's clock. */
  atMs: number
  /** Normalised correlation, 0 to 1: 1 is the same wave, at any volume. */
  match: number
  /** From there to the best place on the clock of what was heard. */
  lagMs: number
  /** All places that agree, best first. */
  peaks: Peak[]
}

export type Peak = { lagMs: number; match: number }

export type SoundMatch = {
  /** In order of time, of the source's audible stretches alone. */
  windows: MatchWindow[]
  /** Mean of the windows' matches, 0 to 1; 0 without any. */
  likeness: number
  /** Median lag of the windows that agree; null where none does. */
  lagMs: number | null
}

/**
 * `tone`: like itself a moment later, so a lag can only be told by its edges. `repeating`: like itself after `periodMs`,
 * so a lag is told up to that period. `unique`: neither.
 */
export type Repetition = { kind: 'unique' } | { kind: 'tone' } | { kind: 'repeating'; periodMs: number }

export type MatchOptions = {
  /** The part of the source to look for, on its clock; all of it unless said. */
  fromMs?: number
  untilMs?: number
  /** Where in what was heard to look, from the same time on the source's clock. */
  minLagMs: number
  maxLagMs: number
  /** Where the lag is about, if that is known: what repeats itself agrees at many places. */
  aroundMs?: number
  /** At most so many windows, spread over the part. */
  windows?: number
}

const PER_MS = LINE_RATE / 1000
export const WINDOW_MS = 320
const WINDOW = WINDOW_MS * PER_MS
const HOP_MS = 160
/** RMS of a window worth comparing, and how far below the source what was heard may be: dB. */
const AUDIBLE_RMS = 10 ** (-50 / 20)
const LEAST_RATIO = 10 ** (-45 / 10)
const MANY_WINDOWS = 120
const PROBES = 8
const NEAR_MS = 640
const PEAKS = 6
const LEAST_PEAK = 0.15
/** Peaks closer than this are one: the swing of the wave itself. */
const APART_MS = 5
const PLACES_APART_MS = 40
/** A match that says where something is. */
const FOUND = 0.4
/** How far a receiver's clock and buffer move the sound about from one window to the next. */
const DRIFT_MS = 120
const CLUSTER_MS = 60

/**
 * Holds what was heard against a source: each audible stretch of 320 ms is looked for by normalised cross-correlation
 * (Lewis, "Fast Normalized Cross-Correlation", 1995), first widely with a few to find the lag that most agree on, then
 * around it with all, so that the moving buffer of a receiver costs nothing. Opus keeps the wave: at 24 kbit/s speech has
 * a likeness above 0.9, other speech by the same voice below 0.5.
 */
export const matchSounds = (source: SoundLine, heard: SoundLine, options: MatchOptions): SoundMatch => {
  const places = audibleWindows(source, options)
  const lagMs = options.aroundMs ?? usualLag(source, heard, spread(places, PROBES), options)
  const around = lagMs ?? Math.max(0, options.minLagMs)
  const windows = trace(source, heard, spread(places, options.windows ?? MANY_WINDOWS), around, options)
  const found = windows.filter(({ match }) => match >= FOUND).map((window) => window.lagMs)
  return {
    windows,
    likeness: windows.reduce((sum, { match }) => sum + match, 0) / Math.max(1, windows.length),
    lagMs: found.length === 0 ? null : medianOf(found),
  }
}

/**
 * Stretches of a source, spread over the part, each with all places where it agrees: apart by so much that a vowel's
 * likeness to itself one pitch period later is not taken for a place.
 */
export const placesOf = (
  source: SoundLine,
  heard: SoundLine,
  options: MatchOptions,
): { atMs: number; peaks: Peak[] }[] =>
  spread(audibleWindows(source, options), options.windows ?? PROBES).map((atMs) => ({
    atMs,
    peaks: correlationPeaks(source, atMs, heard, options.minLagMs, options.maxLagMs, PLACES_APART_MS),
  }))

/** How a source repeats itself within `maxLagMs`. */
export const repetitionOf = (source: SoundLine, maxLagMs: number, options: Partial<MatchOptions> = {}): Repetition => {
  const places = spread(audibleWindows(source, options), PROBES)
  // One period later a vowel is like itself, too, but not several.
  const near = places.map((atMs) => correlationPeaks(source, atMs, source, 40, 80)[0]?.match ?? 0)
  if (places.length > 0 && near.filter((match) => match > 0.95).length > 0.6 * places.length) return { kind: 'tone' }
  const far = places.flatMap((atMs) => correlationPeaks(source, atMs, source, 80, maxLagMs).slice(0, 1))
  const again = far.filter(({ match }) => match > 0.9).map(({ lagMs }) => lagMs)
  if (places.length === 0 || again.length <= 0.4 * places.length) return { kind: 'unique' }
  return { kind: 'repeating', periodMs: Math.min(...again) }
}

/** Times of the audible windows of a source, half a window apart. */
const audibleWindows = ({ fromMs, samples }: SoundLine, part: { fromMs?: number; untilMs?: number }): number[] => {
  const firstMs = Math.max(fromMs, part.fromMs ?? fromMs)
  const lastMs = Math.min(fromMs + samples.length / PER_MS, part.untilMs ?? Number.POSITIVE_INFINITY) - WINDOW_MS
  const places: number[] = []
  for (let atMs = firstMs; atMs <= lastMs; atMs += HOP_MS) {
    const start = Math.round((atMs - fromMs) * PER_MS)
    let energy = 0
    for (let i = start; i < start + WINDOW; i++) energy += samples[i]! ** 2
    if (Math.sqrt(energy / WINDOW) > AUDIBLE_RMS) places.push(atMs)
  }
  return places
}

/** Looks near first, where it mostly is. */
const usualLag = (source: SoundLine, heard: SoundLine, places: number[], options: MatchOptions): number | null => {
  const near = commonLag(source, heard, places, { ...options, maxLagMs: Math.min(options.maxLagMs, NEAR_MS) })
  return near && near.votes > places.length / 2
    ? near.lagMs
    : (commonLag(source, heard, places, options)?.lagMs ?? null)
}

/** The lag that most windows agree on; the smallest of equals. */
const commonLag = (source: SoundLine, heard: SoundLine, places: number[], options: MatchOptions) => {
  const peaks = places.flatMap((atMs) =>
    correlationPeaks(source, atMs, heard, options.minLagMs, options.maxLagMs)
      .filter(({ match }, _, [best]) => match >= FOUND && match >= 0.85 * best!.match)
      .map((peak) => ({ ...peak, atMs })),
  )
  let best: { votes: number; lags: number[] } = { votes: 0, lags: [] }
  for (const { lagMs } of peaks.toSorted((a, b) => a.lagMs - b.lagMs)) {
    const near = peaks.filter((peak) => Math.abs(peak.lagMs - lagMs) <= CLUSTER_MS)
    const votes = new Set(near.map(({ atMs }) => atMs)).size
    if (votes > best.votes) best = { votes, lags: near.map((peak) => peak.lagMs) }
  }
  return best.votes === 0 ? null : { votes: best.votes, lagMs: medianOf(best.lags) }
}

const trace = (
  source: SoundLine,
  heard: SoundLine,
  places: number[],
  startLagMs: number,
  { minLagMs, maxLagMs }: MatchOptions,
): MatchWindow[] => {
  let around = startLagMs
  return places.map((atMs) => {
    const near = (lagMs: number) =>
      correlationPeaks(source, atMs, heard, Math.max(minLagMs, lagMs - DRIFT_MS), Math.min(maxLagMs, lagMs + DRIFT_MS))
    let peaks = near(around)
    if ((peaks[0]?.match ?? 0) < FOUND && Math.abs(around - startLagMs) > APART_MS) peaks = near(startLagMs)
    const best = peaks[0]
    if (best && best.match >= FOUND) around = best.lagMs
    return { atMs, match: best?.match ?? 0, lagMs: best?.lagMs ?? around, peaks }
  })
}

/** The best places, at most six, for one window of the source in what was heard. */
const correlationPeaks = (
  source: SoundLine,
  atMs: number,
  heard: SoundLine,
  minLagMs: number,
  maxLagMs: number,
  apartMs = APART_MS,
): Peak[] => {
  const range = Math.floor((maxLagMs - minLagMs) * PER_MS)
  if (range < 0) return []
  const start = Math.round((atMs - source.fromMs) * PER_MS)
  const offset = Math.round((atMs + minLagMs - heard.fromMs) * PER_MS)
  const matches = correlations(source.samples, start, heard.samples, offset, range)
  return peaksOf(matches, apartMs).map(({ at, match }) => ({ match, lagMs: minLagMs + at / PER_MS }))
}

/** Normalised correlation at each lag. Both sounds go through one transform: one as the real, one as the imaginary part. */
const correlations = (
  source: Float32Array,
  start: number,
  heard: Float32Array,
  offset: number,
  range: number,
): Float64Array => {
  const size = 2 ** Math.ceil(Math.log2(WINDOW + range + 1))
  const fft = fftOf(size)
  const [re, im] = [new Float64Array(size), new Float64Array(size)]
  let sourceEnergy = 0
  for (let i = 0; i < WINDOW; i++) {
    re[i] = source[start + i] ?? 0
    sourceEnergy += re[i]! ** 2
  }
  for (let i = 0; i < WINDOW + range; i++) im[i] = heard[offset + i] ?? 0
  const heardAt = im.slice(0, WINDOW + range + 1)
  fft.forward(re, im)
  const [cre, cim] = [new Float64Array(size), new Float64Array(size)]
  for (let i = 0; i < size; i++) {
    const k = (size - i) % size
    const [are, aim] = [(re[i]! + re[k]!) / 2, (im[i]! - im[k]!) / 2]
    const [bre, bim] = [(im[i]! + im[k]!) / 2, (re[k]! - re[i]!) / 2]
    cre[i] = bre * are + bim * aim
    cim[i] = bim * are - bre * aim
  }
  fft.inverse(cre, cim)
  const matches = new Float64Array(range + 1)
  let energy = 0
  for (let i = 0; i < WINDOW; i++) energy += heardAt[i]! ** 2
  for (let lag = 0; lag <= range; lag++) {
    if (energy > sourceEnergy * LEAST_RATIO) matches[lag] = Math.min(1, cre[lag]! / Math.sqrt(energy * sourceEnergy))
    energy += (heardAt[lag + WINDOW] ?? 0) ** 2 - heardAt[lag]! ** 2
  }
  return matches
}

const peaksOf = (matches: Float64Array, apartMs: number): { at: number; match: number }[] => {
  const all: { at: number; match: number }[] = []
  // The first and the last place may lie on the slope of a peak beyond.
  for (let at = 1; at < matches.length - 1; at++) {
    const match = matches[at]!
    if (match > LEAST_PEAK && match >= matches[at - 1]! && match > matches[at + 1]!) all.push({ at, match })
  }
  const best: { at: number; match: number }[] = []
  for (const peak of all.sort((a, b) => b.match - a.match)) {
    if (best.every(({ at }) => Math.abs(at - peak.at) >= apartMs * PER_MS)) best.push(peak)
    if (best.length === PEAKS) break
  }
  return best
}

/** So many of them, evenly spread. */
const spread = (places: number[], most: number): number[] =>
  places.length <= most
    ? places
    : Array.from({ length: most }, (_, i) => places[Math.floor((i * places.length) / most)]!)

export const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
