/** The level of digital silence: quieter than any 16-bit signal. */
export const SILENCE_DB = -100

/**
 * RMS level of a run of 16-bit samples in dBFS, where 0 dBFS is a full-scale *square* wave: a full-scale sine is
 * -3.01 dBFS. Silence, or nothing at all, is -100.
 */
export const levelDb = (samples: Int16Array): number => {
  let sum = 0
  for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!
  return powerDb(sum, samples.length)
}

/** The same from a sum of squared 16-bit samples, so that levels over a window need no copy. */
export const powerDb = (sumOfSquares: number, sampleCount: number): number =>
  sumOfSquares === 0 || sampleCount === 0
    ? SILENCE_DB
    : Math.max(SILENCE_DB, 10 * Math.log10(sumOfSquares / sampleCount / (32768 * 32768)))

/** The largest sample in dBFS (32768 is 0); silence is -100. */
export const peakDb = (samples: Int16Array): number => {
  let peak = 0
  for (let i = 0; i < samples.length; i++) peak = Math.max(peak, Math.abs(samples[i]!))
  return peak === 0 ? SILENCE_DB : 20 * Math.log10(peak / 32768)
}

/** The factor on samples that changes a level by `db`. */
export const gainOfDb = (db: number): number => 10 ** (db / 20)
