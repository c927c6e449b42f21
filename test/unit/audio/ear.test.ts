import { describe, expect, it } from 'vitest'
import { createEar } from '../../../src/audio/ear.ts'
import { frequencyOf } from '../../../src/audio/spectrum.ts'
import { framesOf, sine } from '../../support/signals.ts'

const hear = (samples: Int16Array, { channels = 1, fromMs = 0 }: { channels?: 1 | 2; fromMs?: number } = {}) => {
  const ear = createEar()
  framesOf(samples, channels).forEach((frame, i) => {
    ear.push(frame, channels, fromMs + i * 10)
  })
  return ear
}

describe('ear', () => {
  for (const hz of [50, 440, 997.3, 3000, 12_000]) {
    it(`tells ${hz} Hz at -20 dBFS`, () => {
      const report = hear(sine({ hz, ms: 2000 })).report()
      expect(Math.abs(report.frequencyHz - hz)).toBeLessThan(0.2)
      expect(report.levelDb).toBeCloseTo(-20, 1)
      expect(report.seconds).toBeCloseTo(2, 5)
      expect(report).toMatchObject({ longestGapMs: 0, gaps: [] })
    })
  }

  it('hears stereo as it hears mono', () => {
    const report = hear(sine({ hz: 440, ms: 1000, channels: 2 }), { channels: 2 }).report()
    expect(report.frequencyHz).toBeCloseTo(440, 0)
    expect(report.levelDb).toBeCloseTo(-20, 1)
    expect(report.seconds).toBeCloseTo(1, 5)
  })

  it('tells the level of the audible part alone', () => {
    const half = Int16Array.from([...sine({ hz: 440, ms: 500 }), ...new Int16Array(24_000)])
    const report = hear(half).report()
    expect(report.seconds).toBeCloseTo(0.5, 5)
    expect(report.levelDb).toBeCloseTo(-20, 1)
    expect(report.longestGapMs).toBe(0)
  })

  it('names the frequency that dominates over time', () => {
    const mixed = Int16Array.from([...sine({ hz: 300, ms: 400 }), ...sine({ hz: 800, ms: 1600 })])
    expect(hear(mixed).report().frequencyHz).toBeCloseTo(800, 0)
  })

  it('tells a short sound too', () => {
    expect(hear(sine({ hz: 600, ms: 60 })).report().frequencyHz).toBeCloseTo(600, -1)
  })

  it('tells a gap in media time, and where', () => {
    const ear = createEar()
    const frames = framesOf(sine({ hz: 440, ms: 1000 }))
    frames.forEach((frame, i) => {
      if (i < 30 || i >= 42) ear.push(frame, 1, 5000 + i * 10)
    })
    expect(ear.report()).toMatchObject({ longestGapMs: 120, gaps: [{ atMs: 5300, ms: 120 }] })
    expect(ear.report().frequencyHz).toBeCloseTo(440, 0)
  })

  it('joins concealed frames into one gap', () => {
    const ear = createEar()
    framesOf(sine({ hz: 440, ms: 200 })).forEach((frame, i) => {
      ear.push(frame, 1, i * 10, { concealed: i >= 5 && i < 9 })
    })
    expect(ear.report().gaps).toEqual([{ atMs: 50, ms: 40 }])
  })

  it('sees no gap while muted or paused', () => {
    const ear = createEar()
    const frame = sine({ hz: 440, ms: 10 })
    ear.push(frame, 1, 0)
    ear.push(frame, 1, 10, { muted: true })
    ear.push(frame, 1, 2000)
    ear.pause()
    ear.push(frame, 1, 9000)
    expect(ear.report().gaps).toEqual([])
    expect(ear.report().seconds).toBeCloseTo(0.03, 5)
  })

  it('tells sound that never came back when asked by a time', () => {
    const ear = hear(sine({ hz: 440, ms: 100 }))
    expect(ear.report({ untilMs: 400 })).toMatchObject({ longestGapMs: 300, gaps: [{ atMs: 100, ms: 300 }] })
    expect(ear.report().gaps).toEqual([])
  })

  it('starts its figures anew at reset and keeps the time line', () => {
    const ear = hear(sine({ hz: 440, ms: 1000 }))
    ear.reset()
    expect(ear.report()).toEqual({ seconds: 0, levelDb: -100, frequencyHz: 0, longestGapMs: 0, gaps: [] })
    ear.push(sine({ hz: 440, ms: 10 }), 1, 1100)
    expect(ear.report().gaps).toEqual([{ atMs: 1000, ms: 100 }])
  })
})

describe('frequencyOf', () => {
  it('is 0 for silence', () => {
    expect(frequencyOf(new Int16Array(48_000))).toBe(0)
    expect(frequencyOf([])).toBe(0)
  })
})
