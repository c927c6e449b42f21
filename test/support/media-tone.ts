/** Frequency by rising zero crossings, at 48 kHz; 0 when all is quieter than -50 dBFS. */
export const frequencyOf = (samples: Int16Array): number => {
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
