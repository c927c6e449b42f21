import { fftOf } from './fft.ts'
import { type AudioSource, SAMPLE_RATE } from './frame.ts'

/** Where a marker begins, in ms from the first sample, and whose it is. */
export type Marker = { atMs: number; id: number }

export type MarkerOptions = {
  everyMs: number
  /** 0 to 15: heard apart even when several markers sound in one room. */
  id: number
  /** Media time of the first marker. */
  firstMs?: number
}

/** Two short sweeps with silence between; how far they are apart says whose marker it is. */
const SWEEP_SAMPLES = 720
const LOW_HZ = 500
const HIGH_HZ = 3500
const AMPLITUDE = 8192
const FIRST_SPACING_MS = 25
const SPACING_STEP_MS = 5
const MAX_ID = 15

/** A source of markers: one begins exactly every `everyMs`, so that two ears can compare when they heard it. */
export const createMarkerSource = ({ everyMs, id, firstMs = 0 }: MarkerOptions): AudioSource => {
  const marker = markerSamples(id)
  const period = Math.round((everyMs * SAMPLE_RATE) / 1000)
  let at = -Math.round((firstMs * SAMPLE_RATE) / 1000)
  return {
    channels: 1,
    read: (into) => {
      for (let i = 0; i < into.length; i++, at++) into[i] = at < 0 ? 0 : (marker[at % period] ?? 0)
      return 'frame'
    },
    close: async () => {},
  }
}

/** Finds markers in one channel at 48 kHz, to about a tenth of a millisecond where the sound is clean. */
export const findMarkers = (samples: Int16Array): Marker[] => {
  const rises = findSweeps(samples, UP)
  const falls = findSweeps(samples, DOWN)
  return rises.flatMap((rise) => {
    const spacings = falls.map((fall) => ((fall - rise) / SAMPLE_RATE) * 1000)
    const matches = spacings
      .map((spacingMs) => ({ id: Math.round((spacingMs - FIRST_SPACING_MS) / SPACING_STEP_MS), spacingMs }))
      .filter(({ id, spacingMs }) => id >= 0 && id <= MAX_ID && Math.abs(spacingMs - spacingOf(id)) < 1.5)
    return matches.map(({ id }) => ({ atMs: (rise / SAMPLE_RATE) * 1000, id }))
  })
}

const spacingOf = (id: number) => FIRST_SPACING_MS + SPACING_STEP_MS * id

const markerSamples = (id: number): Int16Array => {
  const offset = (spacingOf(id) * SAMPLE_RATE) / 1000
  const samples = new Int16Array(offset + SWEEP_SAMPLES)
  for (let i = 0; i < SWEEP_SAMPLES; i++) {
    samples[i] = Math.round(AMPLITUDE * UP[i]!)
    samples[offset + i] = Math.round(AMPLITUDE * DOWN[i]!)
  }
  return samples
}

/** A linear sweep under a Hann window: its correlation with itself is one sharp peak. */
const sweep = (fromHz: number, toHz: number) =>
  Float64Array.from({ length: SWEEP_SAMPLES }, (_, i) => {
    const cycles = (fromHz * i + ((toHz - fromHz) * i * i) / (2 * SWEEP_SAMPLES)) / SAMPLE_RATE
    return (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SWEEP_SAMPLES)) * Math.sin(2 * Math.PI * cycles)
  })

const UP = sweep(LOW_HZ, HIGH_HZ)
const DOWN = sweep(HIGH_HZ, LOW_HZ)

const BLOCK = 16_384
/** How much of the energy in a sweep's place must be the sweep, and how loud it must be (about -55 dBFS). */
const LEAST_MATCH = 0.5
const LEAST_ENERGY = SWEEP_SAMPLES * 60 ** 2
/** Two sweeps of one kind are never closer than this. */
const APART_SAMPLES = 480

/** Matched filter by fast convolution; gives the sample positions of all peaks. */
const findSweeps = (samples: Int16Array, template: Float64Array): number[] => {
  const fft = fftOf(BLOCK)
  const [tre, tim] = [new Float64Array(BLOCK), new Float64Array(BLOCK)]
  tre.set(template)
  fft.forward(tre, tim)
  const templateEnergy = template.reduce((sum, x) => sum + x * x, 0)
  const found: Array<{ at: number; match: number }> = []
  const usable = BLOCK - SWEEP_SAMPLES
  for (let start = 0; start < samples.length; start += usable) {
    const correlation = correlate(samples.subarray(start, start + BLOCK), tre, tim)
    let energy = 0
    for (let i = 0; i < SWEEP_SAMPLES; i++) energy += (samples[start + i] ?? 0) ** 2
    for (let i = 0; i < usable; i++) {
      const match = energy < LEAST_ENERGY ? 0 : correlation[i]! / Math.sqrt(energy * templateEnergy)
      if (match > LEAST_MATCH) keepBest(found, { at: start + i, match })
      energy += (samples[start + i + SWEEP_SAMPLES] ?? 0) ** 2 - (samples[start + i] ?? 0) ** 2
    }
  }
  return found.map((peak) => peak.at)
}

const keepBest = (found: Array<{ at: number; match: number }>, peak: { at: number; match: number }) => {
  const last = found.at(-1)
  if (!last || peak.at - last.at >= APART_SAMPLES) found.push(peak)
  else if (peak.match > last.match) found[found.length - 1] = peak
}

const correlate = (samples: Int16Array, tre: Float64Array, tim: Float64Array): Float64Array => {
  const fft = fftOf(BLOCK)
  const [re, im] = [new Float64Array(BLOCK), new Float64Array(BLOCK)]
  re.set(samples)
  fft.forward(re, im)
  for (let i = 0; i < BLOCK; i++) {
    const [r, m] = [re[i]!, im[i]!]
    re[i] = r * tre[i]! + m * tim[i]!
    im[i] = m * tre[i]! - r * tim[i]!
  }
  fft.inverse(re, im)
  return re
}
