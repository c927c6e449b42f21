import { describe, expect, it } from 'vitest'
import { createDoubt } from '../../../../src/bot/watch/ear.ts'

describe("the own ear's doubt", () => {
  it('believes what hears', () => {
    const doubt = createDoubt()
    expect(doubt.isSure(1_000, 1_000)).toBe(false)
    expect(doubt.look(1_250, 5, 1_000)).toBe('stay')
    expect(doubt.isSure(1_250, 1_000)).toBe(true)
  })

  it('hearing nothing, comes anew by another connection, once, before it says so', () => {
    const doubt = createDoubt()
    doubt.look(1_250, 5, 1_000)
    expect(doubt.look(2_000, 5, 1_000)).toBe('stay')
    expect(doubt.look(2_250, 5, 1_000)).toBe('come-anew')
    const sinceMs = 2_500
    expect(doubt.isSure(3_000, sinceMs)).toBe(false)
    expect(doubt.look(4_600, 5, sinceMs)).toBe('stay')
    expect(doubt.isSure(4_600, sinceMs)).toBe(true)
  })

  it('is of good cheer again once it hears', () => {
    const doubt = createDoubt()
    doubt.look(1_250, 5, 1_000)
    doubt.look(2_250, 5, 1_000)
    expect(doubt.look(2_800, 9, 2_500)).toBe('stay')
    expect(doubt.isSure(2_800, 2_500)).toBe(true)
    expect(doubt.look(3_900, 9, 2_500)).toBe('come-anew')
  })
})
