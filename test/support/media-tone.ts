/** Frequency by rising zero crossings, at 48 kHz; 0 when all is quieter than -50 dBFS. */
const frequencyOf = (samples: Int16Array): number => {
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  if (peak < 100) return 0
  const crossings: number[] = []
  for (let i = 1; i < samples.length; i += 1) {
    const before = samples[i - 1]!
    const now = samples[i]!
    if (before < 0 && now >= 0) crossings.push(i - 1 + -before / (now - before))
  }
  if (crossings.length < 2) return 0
  return (48_000 * (crossings.length - 1)) / (crossings.at(-1)! - crossings[0]!)
}

/** Within 1 % of the tone sent. */
export const isTone = (heardHz: number | undefined, sentHz: number): boolean =>
  heardHz !== undefined && Math.abs(heardHz - sentHz) <= sentHz * 0.01

/** Keeps the last 200 ms of a mono stream at 48 kHz. */
export type ToneMeter = {
  add(samples: Int16Array): void
  /** 0 is silence; undefined when nothing came in for half a second, or too little so far. */
  hz(): number | undefined
}

const METER_SAMPLES = 9600
const STALE_MS = 500

export const createToneMeter = (): ToneMeter => {
  const ring = new Int16Array(METER_SAMPLES)
  let written = 0
  let atMs = 0
  return {
    add: (samples) => {
      for (const sample of samples) {
        ring[written % METER_SAMPLES] = sample
        written += 1
      }
      atMs = performance.now()
    },
    hz: () => {
      if (written < METER_SAMPLES || performance.now() - atMs > STALE_MS) return undefined
      const start = written % METER_SAMPLES
      const inOrder = new Int16Array(METER_SAMPLES)
      inOrder.set(ring.subarray(start))
      inOrder.set(ring.subarray(0, start), METER_SAMPLES - start)
      return frequencyOf(inOrder)
    },
  }
}
