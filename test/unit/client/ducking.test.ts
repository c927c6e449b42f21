import { expect, it } from 'vitest'
import { createDucking } from '../../../src/client/ducking.ts'

it('lowers the others while one speaks on an open microphone, and between words', () => {
  const ducking = createDucking(20)
  expect(ducking.lowerByDb(true, -60, 0)).toBe(0)
  expect(ducking.lowerByDb(true, -25, 100)).toBe(20)
  expect(ducking.lowerByDb(true, -100, 600)).toBe(20)
  expect(ducking.lowerByDb(true, -100, 800)).toBe(0)
})

it('lowers nothing for who talks on a closed microphone, and lets go when it closes', () => {
  const ducking = createDucking(20)
  expect(ducking.lowerByDb(false, -20, 0)).toBe(0)
  expect(ducking.lowerByDb(true, -20, 100)).toBe(20)
  expect(ducking.lowerByDb(false, -20, 200)).toBe(0)
})

it('is off at 0 dB and takes another figure at once', () => {
  const ducking = createDucking(0)
  expect(ducking.lowerByDb(true, -20, 0)).toBe(0)
  ducking.setDb(12)
  expect(ducking.lowerByDb(true, -20, 100)).toBe(12)
})
