import { expect, test } from 'vitest'
import { createSignalLimits } from '../../../src/sfu/signal-limits.ts'

const admitted = (kind: Parameters<ReturnType<typeof createSignalLimits>>[0], perS: number, forS: number): number => {
  const isWithin = createSignalLimits()
  return Array.from({ length: perS * forS }, (_, i) => isWithin(kind, (i * 1000) / perS)).filter(Boolean).length
}

test('what a proper client sends is admitted for ever', () => {
  expect(admitted('pingReq', 1, 600)).toBe(600)
  expect(admitted('mute', 5, 600)).toBe(3000)
  expect(admitted('subscription', 10, 600)).toBe(6000)
})

test('a burst of candidates as one joins is admitted', () => {
  expect(admitted('trickle', 1000, 1)).toBe(1000)
})

test('a hundred times the rate is not', () => {
  expect(admitted('mute', 500, 10)).toBeLessThan(200)
  expect(admitted('subscription', 1000, 10)).toBeLessThan(500)
  expect(admitted('trickle', 5000, 10)).toBeLessThan(2100)
})
