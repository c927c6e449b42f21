import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAdmission } from '../../../src/sfu/admission.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const crowd = (count: number) => {
  const admission = createAdmission(() => performance.now())
  const told: string[] = []
  for (let i = 0; i < count; i += 1)
    admission.turn().then(
      () => told.push(`in ${i}`),
      (error: { code: string }) => told.push(`${error.code} ${i}`),
    )
  return { admission, told, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) }
}

test('who comes alone is let in at once', async () => {
  const { told, pass } = crowd(1)
  await pass(0)
  expect(told).toEqual(['in 0'])
})

test('many are let in by turns, in their order, a hundred in a second at most', async () => {
  const { told, pass, admission } = crowd(300)
  await pass(1000)
  expect(told.length).toBeGreaterThan(90)
  expect(told.length).toBeLessThanOrEqual(101)
  expect(told).toEqual(told.map((_, index) => `in ${index}`))
  expect(admission.waiting()).toBe(300 - told.length)
})

test('an event loop that is late lets in ten in a second', async () => {
  let nowMs = 0
  const admission = createAdmission(() => nowMs)
  const at: number[] = []
  for (let i = 0; i < 20; i += 1)
    admission.turn().then(
      () => at.push(nowMs),
      () => {},
    )
  await vi.advanceTimersByTimeAsync(0)
  for (let step = 0; step < 50; step += 1) {
    // Ten milliseconds for the timer are thirty for the clock.
    nowMs += 30
    await vi.advanceTimersByTimeAsync(10)
  }
  expect(at.length).toBeGreaterThan(10)
  for (const [index, time] of at.entries()) if (index > 0) expect(time - at[index - 1]!).toBeGreaterThanOrEqual(100)
  admission.close()
})

test('who would wait too long, or waits as it closes, is told', async () => {
  const { told, pass } = crowd(1000)
  await pass(9000)
  expect(told.filter((line) => line.startsWith('in')).length).toBeGreaterThan(600)
  expect(told.filter((line) => line.startsWith('full')).length).toBeGreaterThan(200)
  expect(told.length).toBe(1000)

  const closing = crowd(5)
  closing.admission.close()
  await closing.pass(0)
  expect(closing.told.sort()).toEqual(['full 1', 'full 2', 'full 3', 'full 4', 'in 0'])
})

test('more than any house has do not even wait', async () => {
  const { told, pass } = crowd(2100)
  await pass(0)
  expect(told.filter((line) => line.startsWith('full')).length).toBe(99)
})
