import { describe, expect, it } from 'vitest'
import { dueFrames, startFrameClock } from '../../../src/audio/clock.ts'
import { eventually } from '../../support/eventually.ts'

describe('dueFrames', () => {
  const at = (nowMs: number, nextIndex: number) => dueFrames({ startMs: 1000, nextIndex }, nowMs, 100)

  it('runs one frame each 10 ms', () => {
    expect(at(1000, 0)).toEqual({ firstIndex: 0, skipped: 0, state: { startMs: 1000, nextIndex: 1 } })
    expect(at(1005, 1).state.nextIndex).toBe(1)
    expect(at(1010, 1).state.nextIndex).toBe(2)
  })

  it('does not drift: a million frames later the same grid holds', () => {
    expect(at(1000 + 10_000_000, 1_000_000).state.nextIndex).toBe(1_000_001)
  })

  it('catches up small lateness frame by frame', () => {
    expect(at(1060, 1)).toMatchObject({ firstIndex: 1, skipped: 0, state: { nextIndex: 7 } })
  })

  it('skips ahead after a stall instead of bursting', () => {
    expect(at(1500, 1)).toMatchObject({ firstIndex: 50, skipped: 49, state: { nextIndex: 51 } })
  })

  it('runs nothing before it starts', () => {
    expect(at(980, 0)).toMatchObject({ skipped: 0, state: { nextIndex: 0 } })
  })
})

describe('startFrameClock', () => {
  it('gives as many frames as time has passed, in order', async () => {
    const indexes: number[] = []
    let skipped = 0
    const startedMs = performance.now()
    const clock = startFrameClock({ onFrame: (index) => indexes.push(index), onSkip: (frames) => (skipped += frames) })
    await eventually(() => performance.now() - startedMs > 500, { withinMs: 2000, what: 'half a second' })
    const passedMs = performance.now() - startedMs
    clock.close()
    const count = indexes.length
    expect(Math.abs(count + skipped - passedMs / 10)).toBeLessThan(4)
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b))
  })

  it('reports what a blocked event loop lost', async () => {
    let skipped = 0
    let frames = 0
    const clock = startFrameClock({ onFrame: () => frames++, onSkip: (count) => (skipped += count) })
    await eventually(() => frames > 2, { withinMs: 1000, what: 'the clock runs' })
    const blockedUntilMs = performance.now() + 300
    while (performance.now() < blockedUntilMs);
    const before = frames
    await eventually(() => skipped > 0, { withinMs: 1000, what: 'a skip' })
    clock.close()
    expect(skipped).toBeGreaterThanOrEqual(28)
    expect(frames - before).toBeLessThan(10)
  })

  it('stops at close, even from inside a frame', async () => {
    let frames = 0
    const clock = startFrameClock({
      onFrame: () => {
        frames++
        clock.close()
      },
    })
    await eventually(() => frames > 0, { withinMs: 1000, what: 'one frame' })
    let others = 0
    const other = startFrameClock({ onFrame: () => others++ })
    await eventually(() => others > 3, { withinMs: 1000, what: 'another clock' })
    other.close()
    expect(frames).toBe(1)
  })
})
