import { describe, expect, it } from 'vitest'
import { type LeaseState, takeLease } from '../../../src/server/domain/lease.ts'

const held: LeaseState = { holder: 'a', fence: 4, beatAt: 1_000, expiresAt: 4_000 }
const at = (now: number) => ({ now, ttlMs: 3_000 })

describe('a lease', () => {
  it('is the first comer’s, who cannot know for how long nobody had it', () => {
    expect(takeLease(null, 'a', at(1_000))).toEqual({
      lease: { holder: 'a', fence: 1, beatAt: 1_000, expiresAt: 4_000 },
      idleMs: Number.POSITIVE_INFINITY,
    })
  })

  it('is renewed by its holder under the same number, also after its time when nobody else came', () => {
    expect(takeLease(held, 'a', at(2_000))).toMatchObject({ lease: { fence: 4, expiresAt: 5_000 }, idleMs: 1_000 })
    expect(takeLease(held, 'a', at(9_000))).toMatchObject({ lease: { fence: 4 }, idleMs: 8_000 })
  })

  it('is nobody else’s before its time, and then another’s under the next number', () => {
    expect(takeLease(held, 'b', at(3_999))).toBeNull()
    expect(takeLease(held, 'b', at(4_000))).toMatchObject({ lease: { holder: 'b', fence: 5 }, idleMs: 3_000 })
  })
})
