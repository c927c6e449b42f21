import { describe, expect, it } from 'vitest'
import { createLineWatch } from '../../../src/client/line-watch.ts'

const counters = (signsReceived: number, packetsReceived = 0, packetsLost = 0) => ({
  signsReceived,
  packetsReceived,
  packetsLost,
})

describe('the watch on the line', () => {
  it('tells for how long nothing came, from the last byte on, until one comes or there is another connection', () => {
    const { look } = createLineWatch()
    expect(look(1, counters(100), 0).silentMs).toBe(0)
    expect(look(1, counters(200), 500).silentMs).toBe(0)
    expect(look(1, counters(200), 6_000).silentMs).toBe(0)
    expect(look(1, counters(200), 6_500).silentMs).toBe(6_000)
    expect(look(1, counters(200), 34_500).silentMs).toBe(34_000)
    expect(look(1, counters(201), 35_000).silentMs).toBe(0)
    look(1, counters(201), 50_000)
    expect(look(2, counters(201), 50_500).silentMs).toBe(0)
  })

  it('tells the share that was lost in the last ten seconds, not since the beginning', () => {
    const { look } = createLineWatch()
    const lossAt = (tick: number, received: number, lost: number) =>
      look(1, counters(tick, received, lost), tick * 500).lossPercent
    expect(lossAt(0, 1000, 0)).toBeNull()
    expect(lossAt(1, 1025, 0)).toBe(0)
    expect(lossAt(2, 1045, 5)).toBe(10)
    for (let tick = 3; tick <= 22; tick++) lossAt(tick, 1045 + 20 * (tick - 2), 5 + 5 * (tick - 2))
    expect(lossAt(23, 1045 + 20 * 21, 5 + 5 * 21)).toBe(20)
  })

  it('begins anew when a track has taken its counters with it', () => {
    const { look } = createLineWatch()
    look(1, counters(1, 5000, 1000), 0)
    expect(look(1, counters(2, 100, 0), 500).lossPercent).toBeNull()
    expect(look(1, counters(3, 125, 0), 1_000).lossPercent).toBe(0)
  })
})
