import { describe, expect, it } from 'vitest'
import { createServerClock } from '../../../src/client/server-clock.ts'

const at = Date.parse('2026-11-22T10:00:00.400Z')
/** As an HTTP server tells it: whole seconds. */
const dateOf = (ms: number) => new Date(ms).toUTCString()

describe("the server's clock", () => {
  it('is taken for our own while its dates can be', () => {
    const clock = createServerClock()
    for (const ms of [0, 300, 599, 601, 5_000]) clock.take(dateOf(at + ms), at + ms - 20, at + ms)
    clock.take(undefined, at, at)
    clock.take('tomorrow', at, at)
    expect(clock.aheadMs()).toBe(0)
  })

  it.each([-3_600_000, -20_000, 7_000])(
    'is known to within a second where it is %d ms ahead, and stays so',
    (aheadMs) => {
      const clock = createServerClock()
      clock.take(dateOf(at + aheadMs), at - 100, at)
      const first = clock.aheadMs()
      expect(Math.abs(first - aheadMs)).toBeLessThan(1_000)
      const known = [250, 5_100, 10_400, 90_900].map((ms) => {
        clock.take(dateOf(at + ms + aheadMs), at + ms - 30, at + ms)
        return clock.aheadMs()
      })
      expect(Math.abs(known.at(-1)! - aheadMs)).toBeLessThan(1_000)
      clock.take(dateOf(at), at, at)
      expect(Math.abs(clock.aheadMs())).toBeLessThan(1_000)
    },
  )

  it('learns nothing from an answer that was long on its way but what is certain', () => {
    const clock = createServerClock()
    clock.take(dateOf(at - 9_000), at - 10_000, at)
    expect(clock.aheadMs()).toBe(0)
  })
})
