export type Fft = {
  /** Transforms in place; both arrays have the size the plan was made for. */
  forward(re: Float64Array, im: Float64Array): void
  inverse(re: Float64Array, im: Float64Array): void
}

const plans = new Map<number, Fft>()

/** An in-place radix-2 fast Fourier transform (Cooley and Tukey) of a power-of-two size; plans are kept. */
export const fftOf = (size: number): Fft => {
  const known = plans.get(size)
  if (known) return known
  const plan = planFft(size)
  plans.set(size, plan)
  return plan
}

const planFft = (size: number): Fft => {
  const cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size))
  const sin = Float64Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size))
  const forward = (re: Float64Array, im: Float64Array) => {
    reverseBits(re, im)
    for (let width = 2; width <= size; width *= 2) {
      const half = width / 2
      const step = size / width
      for (let start = 0; start < size; start += width) {
        for (let i = 0; i < half; i++) {
          // Without pairs by destructuring, which cost half as much again.
          const a = start + i
          const b = a + half
          const c = cos[i * step]!
          const s = sin[i * step]!
          const tre = re[b]! * c + im[b]! * s
          const tim = im[b]! * c - re[b]! * s
          re[b] = re[a]! - tre
          im[b] = im[a]! - tim
          re[a]! += tre
          im[a]! += tim
        }
      }
    }
  }
  return {
    forward,
    inverse: (re, im) => {
      // Swapping the parts turns the forward transform into the inverse one, but for the scale.
      forward(im, re)
      for (let i = 0; i < size; i++) {
        re[i]! /= size
        im[i]! /= size
      }
    },
  }
}

const reverseBits = (re: Float64Array, im: Float64Array) => {
  for (let i = 1, j = 0; i < re.length; i++) {
    let bit = re.length >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i >= j) continue
    const [r, m] = [re[i]!, im[i]!]
    re[i] = re[j]!
    im[i] = im[j]!
    re[j] = r
    im[j] = m
  }
}
