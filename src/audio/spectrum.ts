import { fftOf } from './fft.ts'
import { SAMPLE_RATE } from './frame.ts'

export type Spectrum = {
  /** Adds the sample at the end of what is being listened to. */
  add(sample: number): void
  /** Starts a new window: what follows is not connected to what came before. */
  cut(): void
  /** The frequency with the most energy over all that was heard, in Hz; 0 when nothing was. */
  strongestHz(): number
  reset(): void
}

/** 171 ms, so 5.86 Hz between two lines; interpolation makes that a hundredth. */
const WINDOW = 8192
const LOWEST_HZ = 20

/** Listens for the strongest frequency: Hann windows, power added up over time, interpolated between lines. */
export const createSpectrum = (sampleRate: number = SAMPLE_RATE): Spectrum => {
  const power = new Float64Array(WINDOW / 2)
  const samples = new Float64Array(WINDOW)
  let filled = 0
  let windows = 0
  return {
    add: (sample) => {
      samples[filled++] = sample
      if (filled < WINDOW) return
      addPower(samples, WINDOW, power)
      windows++
      filled = 0
    },
    cut: () => {
      filled = 0
    },
    strongestHz: () => {
      if (windows > 0) return (peakLine(power, sampleRate) * sampleRate) / WINDOW
      const partial = new Float64Array(WINDOW / 2)
      addPower(samples, filled, partial)
      return (peakLine(partial, sampleRate) * sampleRate) / WINDOW
    },
    reset: () => {
      power.fill(0)
      windows = 0
      filled = 0
    },
  }
}

/** The strongest frequency of one channel of samples, in Hz; 0 for silence. */
export const frequencyOf = (samples: ArrayLike<number>, sampleRate: number = SAMPLE_RATE): number => {
  const spectrum = createSpectrum(sampleRate)
  for (let i = 0; i < samples.length; i++) spectrum.add(samples[i]!)
  return spectrum.strongestHz()
}

const re = new Float64Array(WINDOW)
const im = new Float64Array(WINDOW)

const addPower = (samples: Float64Array, count: number, power: Float64Array) => {
  re.fill(0)
  im.fill(0)
  for (let i = 0; i < count; i++) re[i] = samples[i]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / count))
  fftOf(WINDOW).forward(re, im)
  for (let i = 0; i < power.length; i++) power[i]! += re[i]! ** 2 + im[i]! ** 2
}

const peakLine = (power: Float64Array, sampleRate: number): number => {
  let peak = Math.ceil((LOWEST_HZ * WINDOW) / sampleRate)
  for (let i = peak; i < power.length - 1; i++) if (power[i]! > power[peak]!) peak = i
  if (power[peak]! === 0) return 0
  const [before, at, after] = [power[peak - 1]!, power[peak]!, power[peak + 1]!].map(Math.sqrt) as [
    number,
    number,
    number,
  ]
  // Two neighbouring lines of a Hann window stand in this exact ratio to a tone's place between them.
  const ratio = Math.max(before, after) / at
  return peak + (Math.sign(after - before) * (2 * ratio - 1)) / (ratio + 1)
}
