import { fftOf } from './fft.ts'
import { SAMPLE_RATE } from './frame.ts'

export type Spectrum = {
  /** Adds samples at the end of what is being listened to. */
  push(samples: Int16Array | Float64Array): void
  /** Starts a new window: what follows is not connected to what came before. */
  cut(): void
  /** The frequency with the most energy over all that was heard, in Hz; 0 when nothing was. */
  strongestHz(): number
  reset(): void
}

/** 171 ms, so 5.86 Hz between two lines; interpolation makes that a hundredth. */
const WINDOW = 8192
const LOWEST_HZ = 20
/** A window costs a good 0.3 ms. What is heard for longer than 2 s shows its strongest line in every sixth as well. */
const ALL_UNTIL = 12
const LATER_EVERY = 6

const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW))

/** Listens for the strongest frequency: Hann windows, power added up over time, interpolated between lines. */
export const createSpectrum = (sampleRate: number = SAMPLE_RATE): Spectrum => {
  const power = new Float64Array(WINDOW / 2)
  const samples = new Float64Array(WINDOW)
  let filled = 0
  let windows = 0
  return {
    push: (added) => {
      for (let at = 0; at < added.length; ) {
        const count = Math.min(added.length - at, WINDOW - filled)
        samples.set(added.subarray(at, at + count), filled)
        at += count
        filled += count
        if (filled < WINDOW) return
        if (windows < ALL_UNTIL || windows % LATER_EVERY === 0) addPower(samples, WINDOW, power)
        windows++
        filled = 0
      }
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
  spectrum.push(Float64Array.from(samples))
  return spectrum.strongestHz()
}

const re = new Float64Array(WINDOW)
const im = new Float64Array(WINDOW)

const addPower = (samples: Float64Array, count: number, power: Float64Array) => {
  re.fill(0)
  im.fill(0)
  // A window that is not full has the shape of a shorter one, read off the same table.
  const step = WINDOW / count
  for (let i = 0; i < count; i++) re[i] = samples[i]! * hann[Math.round(i * step) % WINDOW]!
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
