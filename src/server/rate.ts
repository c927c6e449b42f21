import { apiError } from '../protocol/errors.ts'

export type Buckets = { take(key: string): void }

/** A token bucket per key; an empty one throws `rate-limited`. Full buckets are forgotten. */
export const createBuckets = (
  { burst, perSecond }: { burst: number; perSecond: number },
  now: () => number,
): Buckets => {
  const buckets = new Map<string, { tokens: number; at: number }>()
  let forgottenAt = now()
  const refilled = (bucket: { tokens: number; at: number }, at: number): number =>
    Math.min(burst, bucket.tokens + (Math.max(0, at - bucket.at) * perSecond) / 1_000)
  const forgetFull = (at: number) => {
    forgottenAt = at
    for (const [key, bucket] of buckets) if (refilled(bucket, at) >= burst) buckets.delete(key)
  }
  return {
    take: (key) => {
      const at = now()
      if (at - forgottenAt > 60_000) forgetFull(at)
      const bucket = buckets.get(key) ?? { tokens: burst, at }
      const tokens = refilled(bucket, at)
      buckets.set(key, { tokens: Math.max(0, tokens - 1), at })
      if (tokens >= 1) return
      throw apiError('rate-limited', 'Too many requests; slow down.', {
        retryAfterMs: Math.ceil(((1 - tokens) * 1_000) / perSecond),
      })
    },
  }
}
