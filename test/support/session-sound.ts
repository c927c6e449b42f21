import { fftOf } from '../../src/audio/fft.ts'
import { SAMPLE_RATE } from '../../src/audio/frame.ts'
import { createLoudnessMeter } from '../../src/audio/loudness.ts'

/** Levels of a band of frequencies every 10 ms, in dBFS RMS; of mono sound. */
export type Levels = Float64Array

const HOP = SAMPLE_RATE / 100
const SIZE = 1024
const HANN = Float64Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE))
const HANN_POWER = HANN.reduce((sum, x) => sum + x * x, 0)
const SILENT_DB = -120

export type Band = { fromHz: number; toHz: number }

/** Short-time spectra (21 ms under a Hann window), summed by bands: the mean square by Parseval's theorem. */
export const levelsOf = <Name extends string>(sound: Int16Array, bands: Record<Name, Band>): Record<Name, Levels> => {
  const count = Math.max(0, Math.floor((sound.length - SIZE) / HOP) + 1)
  const names = Object.keys(bands) as Name[]
  const levels = Object.fromEntries(names.map((name) => [name, new Float64Array(count)])) as Record<Name, Levels>
  const fft = fftOf(SIZE)
  const re = new Float64Array(SIZE)
  const im = new Float64Array(SIZE)
  for (let hop = 0; hop < count; hop++) {
    for (let i = 0; i < SIZE; i++) re[i] = (sound[hop * HOP + i]! / 32768) * HANN[i]!
    im.fill(0)
    fft.forward(re, im)
    for (const name of names) {
      const { fromHz, toHz } = bands[name]
      let power = 0
      for (let bin = binOf(fromHz); bin <= binOf(toHz); bin++) power += re[bin]! ** 2 + im[bin]! ** 2
      levels[name][hop] = Math.max(SILENT_DB, 10 * Math.log10((2 * power) / (SIZE * HANN_POWER) + 1e-12))
    }
  }
  return levels
}

const binOf = (hz: number) => Math.min(SIZE / 2, Math.round((hz * SIZE) / SAMPLE_RATE))

/** Where a level rises to what a stroke has, having been below it for a while before: seconds from the beginning. */
export const strokesIn = (
  levels: Levels,
  { aboveDb, riseDb = 12, restMs = 500 }: { aboveDb: number; riseDb?: number; restMs?: number },
): number[] => {
  const strokes: number[] = []
  for (let hop = 4; hop < levels.length; hop++) {
    const isRise = levels[hop]! > aboveDb && levels[hop]! - levels[hop - 4]! > riseDb
    const atS = hop / 100
    if (isRise && atS - (strokes.at(-1) ?? -1) > restMs / 1000) strokes.push(atS)
  }
  return strokes
}

/** The mean level between two moments, by power; in seconds. */
export const levelBetween = (levels: Levels, fromS: number, toS: number): number => {
  const part = levels.subarray(Math.round(fromS * 100), Math.round(toS * 100))
  return 10 * Math.log10(part.reduce((sum, db) => sum + 10 ** (db / 10), 0) / part.length)
}

export const loudestBetween = (levels: Levels, fromS: number, toS: number): number =>
  levels.subarray(Math.round(fromS * 100), Math.round(toS * 100)).reduce((most, db) => Math.max(most, db), SILENT_DB)

/** Integrated loudness of a stretch, LUFS (BS.1770). */
export const loudnessBetween = (sound: Int16Array, fromS: number, toS: number): number => {
  const meter = createLoudnessMeter({ channels: 1 })
  meter.push(sound.subarray(Math.round(fromS * SAMPLE_RATE), Math.round(toS * SAMPLE_RATE)))
  return meter.result().integratedLufs
}

/** A stroke that falls by 60 dB in `fallS`. */
export const strokeOf = (hz: number, lengthS: number, fallS: number, peak = 0.5): Int16Array =>
  Int16Array.from({ length: lengthS * SAMPLE_RATE }, (_, i) => {
    const s = i / SAMPLE_RATE
    return 32767 * peak * Math.sin(2 * Math.PI * hz * s) * 10 ** ((-3 * s) / fallS) * Math.min(1, s / 0.004)
  })

/** A steady tone with edges of 5 ms. */
export const toneOf = (hz: number, lengthS: number, peak = 0.3): Int16Array =>
  Int16Array.from({ length: lengthS * SAMPLE_RATE }, (_, i) => {
    const s = i / SAMPLE_RATE
    return 32767 * peak * Math.sin(2 * Math.PI * hz * s) * Math.min(1, s / 0.005, (lengthS - s) / 0.005)
  })

/** Noise of one band, the same each time: many tones with phases by a seed. */
export const noiseOf = ({ fromHz, toHz }: Band, lengthS: number, peak = 0.2): Int16Array => {
  const sum = new Float64Array(lengthS * SAMPLE_RATE)
  let seed = 1
  const tones = 60
  for (let tone = 0; tone < tones; tone++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    const phase = (2 * Math.PI * seed) / 2 ** 32
    // Whole periods in the length: the loop has no seam.
    const hz = Math.round((fromHz + ((toHz - fromHz) * tone) / tones) * lengthS) / lengthS
    for (let i = 0; i < sum.length; i++) sum[i]! += Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE + phase)
  }
  const most = sum.reduce((max, x) => Math.max(max, Math.abs(x)), 0)
  return Int16Array.from(sum, (x) => (32767 * peak * x) / most)
}
