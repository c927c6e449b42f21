import { describe, expect, it } from 'vitest'
import { createFateSource, type Fate, type Impairment } from '../../../src/client/link-impairment.ts'

const COUNT = 20_000
const BYTES = 120

/** One datagram each 20 ms. */
const fates = (impairment: Impairment, seed = 1, count = COUNT): Fate[] => {
  const source = createFateSource(seed)
  return Array.from({ length: count }, (_, index) => source.next(impairment, BYTES, index * 20))
}
const shareOf = (all: Fate[], is: (fate: Fate) => boolean) => all.filter(is).length / all.length
const isDropped = (fate: Fate) => fate.type === 'dropped'
const delaysOf = (all: Fate[]) => all.flatMap((fate, i) => (fate.type === 'passed' ? [fate.dueMs - i * 20] : []))

describe('the fate of datagrams', () => {
  it('passes all at once where nothing is impaired', () => {
    expect(fates({}).every((fate) => fate.type === 'passed' && fate.copies === 1)).toBe(true)
    expect(Math.max(...delaysOf(fates({})))).toBe(0)
  })

  it('is the same for the same seed and another for another', () => {
    const impairment = { lossShare: 0.2, jitterMs: 30, duplicateShare: 0.1, reorderShare: 0.1 }
    expect(fates(impairment, 7, 500)).toEqual(fates(impairment, 7, 500))
    expect(fates(impairment, 7, 500)).not.toEqual(fates(impairment, 8, 500))
  })

  it('of one datagram does not change with what else is asked for', () => {
    const lost = (impairment: Impairment) => fates(impairment, 3, 500).map(isDropped)
    expect(lost({ lossShare: 0.2, delayMs: 50, duplicateShare: 0.5, jitterMs: 10 })).toEqual(lost({ lossShare: 0.2 }))
    const more = lost({ lossShare: 0.3 })
    expect(lost({ lossShare: 0.2 }).every((isLost, index) => !isLost || more[index])).toBe(true)
  })

  it('is loss, duplication and reordering by their shares', () => {
    expect(shareOf(fates({ lossShare: 0.2 }), isDropped)).toBeCloseTo(0.2, 1)
    expect(shareOf(fates({ duplicateShare: 0.3 }), (fate) => fate.type === 'passed' && fate.copies === 2)).toBeCloseTo(
      0.3,
      1,
    )
    const reordered = fates({ reorderShare: 0.1, reorderMs: 30 })
    expect(shareOf(reordered, (fate) => fate.type === 'passed' && fate.isHeldBack)).toBeCloseTo(0.1, 1)
    expect(new Set(delaysOf(reordered))).toEqual(new Set([0, 30]))
  })

  it('loses in bursts: as often as the chain is bad, and for as long', () => {
    const all = fates({ burst: { enterShare: 0.02, leaveShare: 0.2 } }, 5).map(isDropped)
    const bursts = all.filter((isLost, index) => isLost && !all[index - 1]).length
    const lost = all.filter(Boolean).length
    expect(lost / COUNT).toBeCloseTo(0.02 / (0.02 + 0.2), 1)
    expect(lost / bursts).toBeGreaterThan(4)
    expect(lost / bursts).toBeLessThan(6)
  })

  it('delays by the delay and up to the jitter more, in order', () => {
    const all = fates({ delayMs: 50, jitterMs: 100 })
    const due = all.flatMap((fate) => (fate.type === 'passed' ? [fate.dueMs] : []))
    expect(due.every((dueMs, index) => index === 0 || dueMs >= due[index - 1]!)).toBe(true)
    expect(Math.min(...delaysOf(all))).toBeGreaterThanOrEqual(50)
    expect(Math.max(...delaysOf(all))).toBeLessThanOrEqual(150)
  })

  it('holds to a rate: what waits too long is dropped', () => {
    // 120 bytes each 20 ms are 48 kbit/s.
    expect(shareOf(fates({ rateKbps: 64 }), isDropped)).toBe(0)
    const all = fates({ rateKbps: 24, queueMs: 100 })
    expect(shareOf(all, isDropped)).toBeCloseTo(0.5, 1)
    expect(Math.max(...delaysOf(all))).toBeLessThanOrEqual(100)
  })

  it('lets nothing through an outage', () => {
    expect(shareOf(fates({ outage: true }), (fate) => fate.type === 'dropped' && fate.why === 'outage')).toBe(1)
  })
})
