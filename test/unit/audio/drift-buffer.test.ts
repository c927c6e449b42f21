import { describe, expect, it } from 'vitest'
import { createDriftBuffer } from '../../../src/audio/drift-buffer.ts'

const BLOCK = 480
const clock = { ms: 0 }
const options = { channels: 1, targetMs: 20, maxMs: 120, nowMs: () => clock.ms }

/** A 440 Hz sine that goes on from call to call. */
const sine = () => {
  let at = 0
  return (length: number) =>
    Int16Array.from({ length }, () => Math.round(10_000 * Math.sin((2 * Math.PI * 440 * at++) / 48_000)))
}

/** Reads once per 10 ms what a device of `rate` samples a second wrote meanwhile. */
const run = (buffer: ReturnType<typeof createDriftBuffer>, { rate, seconds }: { rate: number; seconds: number }) => {
  const next = sine()
  const out: number[] = []
  const results: string[] = []
  let owed = 0
  for (let i = 0; i < seconds * 100; i++) {
    owed += rate / 100
    buffer.write(next(Math.floor(owed)))
    owed -= Math.floor(owed)
    clock.ms += 8
    const into = new Int16Array(BLOCK)
    results.push(buffer.read(into))
    out.push(...into)
    clock.ms += 2
  }
  return { out, results }
}

/** The largest change of slope; of a clean 440 Hz sine at 10,000 it is 33. */
const roughness = (samples: readonly number[]) =>
  samples.slice(2).reduce((most, value, i) => Math.max(most, Math.abs(value - 2 * samples[i + 1]! + samples[i]!)), 0)

describe('a buffer between two clocks', () => {
  it('gives what was written, in order, once its target is reached', () => {
    const buffer = createDriftBuffer(options)
    const { out, results } = run(buffer, { rate: 48_000, seconds: 2 })
    expect(results.slice(0, 2)).toEqual(['starved', 'frame'])
    expect(out.slice(2 * BLOCK, 3 * BLOCK)).toEqual([...sine()(2 * BLOCK).subarray(BLOCK)])
    expect(buffer.counts()).toEqual({ droppedMs: 0, insertedMs: 0, starvedMs: 0 })
  })

  it.each([48_200, 47_800])(
    'follows a device of %i samples a second for a minute without a hole or a click',
    (rate) => {
      const buffer = createDriftBuffer(options)
      const { out, results } = run(buffer, { rate, seconds: 60 })
      expect(results.slice(2)).not.toContain('starved')
      expect(buffer.fillMs()).toBeLessThan(40)
      expect(roughness(out.slice(3 * BLOCK))).toBeLessThan(120)
      const { droppedMs, insertedMs } = buffer.counts()
      const driftMs = ((rate - 48_000) / 48_000) * 60_000
      expect(Math.abs(droppedMs - insertedMs - driftMs)).toBeLessThan(40)
    },
  )

  it('fades out without a click when the writer stops, and gives silence from then on', () => {
    const buffer = createDriftBuffer(options)
    const { out } = run(buffer, { rate: 48_000, seconds: 1 })
    const after: number[] = []
    for (let i = 0; i < 5; i++) {
      clock.ms += 10
      const into = new Int16Array(BLOCK)
      buffer.read(into)
      after.push(...into)
    }
    expect(Math.max(...after.slice(-BLOCK))).toBe(0)
    expect(roughness([...out.slice(-BLOCK), ...after])).toBeLessThan(1_500)
    expect(buffer.counts().starvedMs).toBeGreaterThan(0)
  })

  it('holds no more than its limit when nobody reads, and then gives the newest', () => {
    const buffer = createDriftBuffer(options)
    run(buffer, { rate: 48_000, seconds: 1 })
    for (let i = 0; i < 100; i++) buffer.write(new Int16Array(BLOCK).fill(i))
    expect(buffer.fillMs()).toBeLessThanOrEqual(120)
    const into = new Int16Array(BLOCK)
    while (buffer.fillMs() >= 10) {
      clock.ms += 10
      buffer.read(into)
    }
    expect(into.at(-1)).toBe(99)
    expect(buffer.counts().droppedMs).toBeGreaterThan(800)
  })

  it('sheds within a second the delay that a stall left behind', () => {
    const buffer = createDriftBuffer(options)
    run(buffer, { rate: 48_000, seconds: 1 })
    buffer.write(sine()(8 * BLOCK))
    expect(buffer.fillMs()).toBeGreaterThan(80)
    run(buffer, { rate: 48_000, seconds: 1 })
    expect(buffer.fillMs()).toBeLessThan(30)
  })

  it('keeps the channels apart', () => {
    const buffer = createDriftBuffer({ ...options, channels: 2 })
    const stereo = new Int16Array(2 * BLOCK).map((_, i) => (i % 2 ? -5 : 5))
    for (let i = 0; i < 4; i++) buffer.write(stereo)
    const into = new Int16Array(2 * BLOCK)
    buffer.read(into)
    buffer.read(into)
    expect([...into]).toEqual([...stereo])
  })
})

describe('a buffer with a cushion', () => {
  const cushioned = { ...options, targetMs: 1_500, maxMs: 12_000, cushion: { leastMs: 1_000, mostMs: 6_000 } }

  it.each([48_150, 47_850])('evens a station of %i samples a second out, a little at a time', (rate) => {
    const buffer = createDriftBuffer({ ...cushioned, cushion: { leastMs: 3_950, mostMs: 4_050 } })
    buffer.write(sine()(48_000 * 4))
    const { results, out } = run(buffer, { rate, seconds: 60 })
    expect(results).not.toContain('starved')
    // Unchanged it would be 187 ms off by now.
    expect(Math.abs(buffer.fillMs() - 4_000)).toBeLessThan(100)
    expect(roughness(out)).toBeLessThan(120)
  })

  it('is not changed while it is neither small nor large', () => {
    const buffer = createDriftBuffer(cushioned)
    buffer.write(sine()(48_000 * 4))
    run(buffer, { rate: 48_000, seconds: 60 })
    expect(buffer.counts()).toEqual({ droppedMs: 0, insertedMs: 0, starvedMs: 0 })
    expect(buffer.fillMs()).toBeCloseTo(4_000)
  })

  it('grows again after it was used up, without a click', () => {
    const buffer = createDriftBuffer(cushioned)
    buffer.write(sine()(48_000 * 2))
    run(buffer, { rate: 0, seconds: 1.9 })
    const next = sine()
    const out: number[] = []
    for (let i = 0; i < 3_000; i++) {
      buffer.write(next(BLOCK))
      clock.ms += 10
      const into = new Int16Array(BLOCK)
      buffer.read(into)
      if (i > 30) out.push(...into)
    }
    expect(buffer.counts().insertedMs).toBeGreaterThan(50)
    expect(roughness(out)).toBeLessThan(120)
  })
})
