/**
 * The interpolation filter of ITU-R BS.1770-4, annex 2: four phases of twelve taps. The last two phases are the first
 * two backwards.
 */
const PHASE_0 = [
  0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875, 0.1373291015625, 0.97216796875,
  -0.102294921875, 0.047607421875, -0.026611328125, 0.014892578125, -0.00830078125,
]
const PHASE_1 = [
  -0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625, 0.465087890625, 0.77978515625,
  -0.2003173828125, 0.1015625, -0.0582275390625, 0.0330810546875, -0.0189208984375,
]
const TAPS = 12
/** The newest sample meets the first tap, and the history runs from old to new: so the taps stand backwards here. */
const [A, B, C, D] = [PHASE_0.toReversed(), PHASE_1.toReversed(), PHASE_1, PHASE_0].map((taps) =>
  Float64Array.from(taps),
) as [Float64Array, Float64Array, Float64Array, Float64Array]
/** No phase can make more of its samples than the sum of its taps' magnitudes. */
const LARGEST_GAIN = Math.max(...[PHASE_0, PHASE_1].map((taps) => taps.reduce((sum, tap) => sum + Math.abs(tap), 0)))

/** The largest value of one channel between its samples, oversampled four times; full scale is 1. */
export const createTruePeak = () => {
  let line = new Float64Array(TAPS - 1)
  let largest = 0
  return {
    largest: () => largest,
    push: (samples: Int16Array, from: number, stride: number, count: number) => {
      const past = line.subarray(line.length - (TAPS - 1))
      const next = new Float64Array(TAPS - 1 + count)
      next.set(past)
      for (let i = 0; i < count; i++) next[TAPS - 1 + i] = samples[from + i * stride]! / 32768
      line = next
      largest = largestBetween(line, largest)
    },
  }
}

const largestBetween = (line: Float64Array, known: number): number => {
  let largest = known
  // Interpolating costs 48 products a sample, so it is left out wherever it could not exceed what we have: only the
  // samples after a large one are worth it.
  let worthwhile = TAPS
  for (let at = 0; at + TAPS <= line.length; at++) {
    const magnitude = Math.abs(line[at + TAPS - 1]!)
    if (magnitude > largest) largest = magnitude
    if (magnitude * LARGEST_GAIN > largest) worthwhile = TAPS
    if (worthwhile-- <= 0) continue
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let tap = 0; tap < TAPS; tap++) {
      const sample = line[at + tap]!
      a += A[tap]! * sample
      b += B[tap]! * sample
      c += C[tap]! * sample
      d += D[tap]! * sample
    }
    const peak = Math.max(Math.abs(a), Math.abs(b), Math.abs(c), Math.abs(d))
    if (peak > largest) largest = peak
  }
  return largest
}
