import { beforeAll, describe, expect, it } from 'vitest'
import { FRAME_SAMPLES } from '../../../src/audio/frame.ts'
import { gainOfDb, levelDb, powerDb } from '../../../src/audio/level.ts'
import { openDenoiser } from '../../../src/audio/rnnoise.ts'
import { createVoiceFilter } from '../../../src/audio/voice-filter.ts'
import { createVoiceGate } from '../../../src/audio/voice-gate.ts'
import { framesOf, signalToNoiseDb, sine } from '../../support/signals.ts'
import { fanNoise, readSpeech } from '../../support/voice.ts'

const DELAY = FRAME_SAMPLES
const PAUSE = 2 * 48_000

const filtered = async (samples: Int16Array): Promise<Int16Array> => {
  const filter = createVoiceFilter(await openDenoiser())
  const out = new Int16Array(samples.length + DELAY)
  for (const [index, frame] of framesOf(samples).entries()) {
    filter.process(frame)
    out.set(frame, index * FRAME_SAMPLES)
  }
  filter.close()
  // Held against what went in, sample by sample.
  return out.subarray(DELAY)
}
const plus = (one: Int16Array, other: Int16Array) => one.map((sample, i) => sample + other[i]!)
const errorDb = (is: Int16Array, shouldBe: Int16Array) =>
  powerDb(
    shouldBe.reduce((sum, sample, i) => sum + (is[i]! - sample) ** 2, 0),
    shouldBe.length,
  )

describe('a voice', () => {
  let clean: Int16Array
  let voiceDb: number
  beforeAll(async () => {
    const speech = await readSpeech()
    clean = new Int16Array(PAUSE + speech.length + PAUSE)
    clean.set(speech, PAUSE)
    voiceDb = levelDb(speech)
  })
  const spoken = (samples: Int16Array) => samples.subarray(PAUSE, -PAUSE)
  const pause = (samples: Int16Array) => samples.subarray(PAUSE / 2, PAUSE - 4800)

  it('in a quiet room keeps its level within 0.2 dB, and the starts of its words within 1 dB', async () => {
    const out = await filtered(clean)
    expect(Math.abs(levelDb(spoken(out)) - voiceDb)).toBeLessThan(0.2)
    const starts = startsOf(clean)
    expect(starts.length).toBeGreaterThanOrEqual(3)
    for (const at of starts) {
      const start = (samples: Int16Array) => levelDb(samples.subarray(at, at + 2400))
      expect(start(out) - start(clean), `at ${at / 48} ms`).toBeGreaterThan(-1)
    }
  })

  it('beside a fan stands out by 4 dB more, as loud as it was within 1 dB; before it speaks the fan is 40 dB softer', async () => {
    const noise = fanNoise(clean.length, voiceDb - 5)
    const noisy = plus(clean, noise)
    const out = await filtered(noisy)
    const before = voiceDb - errorDb(spoken(noisy), spoken(clean))
    const after = voiceDb - errorDb(spoken(out), spoken(clean))
    const softerDb = levelDb(pause(noisy)) - levelDb(pause(out))
    expect(before).toBeCloseTo(5, 0)
    expect(after - before).toBeGreaterThan(4)
    expect(Math.abs(levelDb(spoken(out)) - voiceDb)).toBeLessThan(1)
    expect(softerDb).toBeGreaterThan(40)
  })
})

it('a sung tone is a voice: it passes, 10 ms late', async () => {
  const tone = sine({ hz: 440, ms: 3000, levelDb: -20 })
  const out = await filtered(tone)
  const late = out.subarray(48_000, -4800)
  expect(levelDb(late)).toBeCloseTo(-20, 1)
  expect(signalToNoiseDb(late, 440)).toBeGreaterThan(25)
})

describe('the gate of a voice', () => {
  const run = (gate: ReturnType<typeof createVoiceGate>, frames: number, probability: number, db: number) =>
    Array.from({ length: frames }, () => gate(probability, db)).at(-1)
  const shut = gainOfDb(-20)

  it('opens within a frame for a voice, holds through a pause of 400 ms, and is shut, by 20 dB, 200 ms later', () => {
    const gate = createVoiceGate()
    expect(run(gate, 100, 0, -80)).toBeCloseTo(shut, 5)
    expect(gate(0.9, -30)).toBe(1)
    expect(run(gate, 39, 0.1, -80)).toBe(1)
    expect(run(gate, 10, 0.1, -80)).toBeLessThan(0.5)
    expect(run(gate, 20, 0.1, -80)).toBeCloseTo(shut, 5)
  })

  it('opens for what stands out of the noise, as the start of a word does, and not for the noise', () => {
    const gate = createVoiceGate()
    expect(run(gate, 500, 0, -50)).toBeCloseTo(shut, 5)
    expect(run(gate, 50, 0, -45)).toBeCloseTo(shut, 5)
    expect(gate(0, -35)).toBe(1)
  })

  it('takes for noise what goes on and is no voice', () => {
    const gate = createVoiceGate()
    expect(run(gate, 100, 0, -80)).toBeCloseTo(shut, 5)
    expect(gate(0, -40)).toBe(1)
    expect(run(gate, 400, 0, -40)).toBeCloseTo(shut, 5)
  })
})

/** Where sound begins after 150 ms of silence. */
const startsOf = (samples: Int16Array): number[] => {
  const loud = framesOf(samples).map((frame) => levelDb(frame) > -48)
  return loud.flatMap((isLoud, i) =>
    isLoud && i >= 15 && !loud.slice(i - 15, i).some(Boolean) ? [i * FRAME_SAMPLES] : [],
  )
}
