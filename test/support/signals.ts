import { type Channels, FRAME_SAMPLES, SAMPLE_RATE } from '../../src/audio/frame.ts'

export type SineOptions = { hz: number; ms: number; levelDb?: number; channels?: Channels; sampleRate?: number }

/** A sine as interleaved 16-bit samples; `levelDb` is RMS (a full-scale sine is -3.01). */
export const sine = ({ hz, ms, levelDb = -20, channels = 1, sampleRate = SAMPLE_RATE }: SineOptions): Int16Array =>
  Int16Array.from({ length: Math.round((ms * sampleRate) / 1000) * channels }, (_, i) =>
    Math.round(32768 * sineAt(Math.floor(i / channels), hz, levelDb, sampleRate)),
  )

/** The same in floating point, one channel, without rounding. */
export const floatSine = ({ hz, ms, levelDb = -20, sampleRate = SAMPLE_RATE }: SineOptions): Float32Array =>
  Float32Array.from({ length: Math.round((ms * sampleRate) / 1000) }, (_, i) => sineAt(i, hz, levelDb, sampleRate))

/** Cuts samples into frames of 10 ms; what does not fill the last one is left out. */
export const framesOf = (samples: Int16Array, channels: Channels = 1): Int16Array[] => {
  const size = FRAME_SAMPLES * channels
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) => samples.slice(i * size, (i + 1) * size))
}

/** Without the silence at both ends. */
export const trimmed = (samples: Int16Array): Int16Array =>
  samples.subarray(
    samples.findIndex((sample) => sample !== 0),
    samples.findLastIndex((sample) => sample !== 0) + 1,
  )

/** Ratio in dB between the best-fitting sine of `hz` in one channel and all that is left besides it. */
export const signalToNoiseDb = (samples: ArrayLike<number>, hz: number, sampleRate: number = SAMPLE_RATE): number => {
  const { sin, cos } = fit(samples, hz, sampleRate)
  let signal = 0
  let noise = 0
  for (let i = 0; i < samples.length; i++) {
    const angle = (2 * Math.PI * hz * i) / sampleRate
    const ideal = sin * Math.sin(angle) + cos * Math.cos(angle)
    signal += ideal ** 2
    noise += (samples[i]! - ideal) ** 2
  }
  return 10 * Math.log10(signal / noise)
}

/** Least squares: the sine and cosine of `hz` that leave the least behind (2x2 normal equations). */
const fit = (samples: ArrayLike<number>, hz: number, sampleRate: number) => {
  let [ss, sc, cc, xs, xc] = [0, 0, 0, 0, 0]
  for (let i = 0; i < samples.length; i++) {
    const angle = (2 * Math.PI * hz * i) / sampleRate
    const [s, c] = [Math.sin(angle), Math.cos(angle)]
    ss += s * s
    sc += s * c
    cc += c * c
    xs += samples[i]! * s
    xc += samples[i]! * c
  }
  const det = ss * cc - sc * sc
  return { sin: (xs * cc - xc * sc) / det, cos: (xc * ss - xs * sc) / det }
}

const sineAt = (index: number, hz: number, levelDb: number, sampleRate: number) =>
  Math.SQRT2 * 10 ** (levelDb / 20) * Math.sin((2 * Math.PI * hz * index) / sampleRate)
