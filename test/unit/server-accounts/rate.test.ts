import { expect, test } from 'vitest'
import { createBuckets } from '../../../src/server/rate.ts'

test('a burst passes, the next waits for the refill, and keys are apart', () => {
  let now = 0
  const buckets = createBuckets({ burst: 2, perSecond: 1 }, () => now)
  buckets.take('a')
  buckets.take('a')
  expect(() => buckets.take('a')).toThrow(expect.objectContaining({ code: 'rate-limited', retryAfterMs: 1_000 }))
  buckets.take('b')
  now += 1_000
  buckets.take('a')
  expect(() => buckets.take('a')).toThrow('Too many requests')
})
