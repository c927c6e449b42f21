import { describe, expect, it } from 'vitest'
import { levelDb, peakDb } from '../../../src/audio/level.ts'
import { sine } from '../../support/signals.ts'

describe('level', () => {
  it('is -3.01 dBFS RMS for a full-scale sine', () => {
    expect(levelDb(sine({ hz: 1000, ms: 100, levelDb: -3.0103 }))).toBeCloseTo(-3.01, 2)
  })

  it('follows the level of a tone', () => {
    expect(levelDb(sine({ hz: 440, ms: 1000, levelDb: -20 }))).toBeCloseTo(-20, 1)
    expect(levelDb(sine({ hz: 440, ms: 1000, levelDb: -60 }))).toBeCloseTo(-60, 0)
  })

  it('is -100 for silence and for nothing', () => {
    expect(levelDb(new Int16Array(480))).toBe(-100)
    expect(levelDb(new Int16Array(0))).toBe(-100)
    expect(peakDb(new Int16Array(480))).toBe(-100)
  })

  it('gives the peak 3 dB above the RMS of a sine', () => {
    expect(peakDb(sine({ hz: 1000, ms: 100, levelDb: -20 }))).toBeCloseTo(-16.99, 1)
  })
})
