import { describe, expect, it } from 'vitest'
import { createFrame } from '../../../src/audio/frame.ts'
import { levelDb, peakDb } from '../../../src/audio/level.ts'
import { createMixer } from '../../../src/audio/mixer.ts'
import { framesOf, signalToNoiseDb, sine } from '../../support/signals.ts'

type Voices = Record<string, Int16Array>

/** Plays all voices in step and gives the whole mix. */
const mix = (mixer: ReturnType<typeof createMixer>, voices: Voices) => {
  const lists = Object.entries(voices).map(([name, samples]) => ({
    input: mixer.input(name),
    frames: framesOf(samples),
  }))
  const output: Int16Array[] = []
  const count = Math.max(...lists.map((list) => list.frames.length))
  for (let at = 0; at < count; at++) {
    for (const { input, frames } of lists) {
      const next = frames[at]
      if (next) input.push(next, 48_000, 1)
    }
    const frame = createFrame(mixer.channels)
    mixer.pull(frame)
    output.push(frame)
  }
  return Int16Array.from(output.flatMap((frame) => [...frame]))
}

describe('mixer', () => {
  it('passes a single track bit by bit, but for a fade at its start', () => {
    const voice = sine({ hz: 440, ms: 500, levelDb: -4.6 })
    expect(peakDb(voice)).toBeLessThan(-1.5)
    const mixed = mix(createMixer({ channels: 1 }), { ana: voice })
    expect(mixed.subarray(480)).toEqual(voice.subarray(480))
  })

  it('adds voices', () => {
    const one = sine({ hz: 440, ms: 200, levelDb: -20 })
    const other = sine({ hz: 700, ms: 200, levelDb: -20 })
    const sum = mix(createMixer({ channels: 1 }), { ana: one, bob: other })
    expect(sum.subarray(480)).toEqual(one.map((sample, i) => sample + other[i]!).subarray(480))
  })

  it('never wraps, however many shout at once', () => {
    const shout = sine({ hz: 300, ms: 500, levelDb: -3.1 })
    const mixed = mix(createMixer({ channels: 1 }), { a: shout, b: shout, c: shout, d: shout })
    for (let i = 0; i < mixed.length; i++) {
      if (Math.abs(shout[i]!) > 300) expect(Math.sign(mixed[i]!)).toBe(Math.sign(shout[i]!))
    }
    // Turned down as a whole, not squared off: the tone stays a tone.
    expect(signalToNoiseDb(mixed.subarray(4800), 300)).toBeGreaterThan(30)
    expect(peakDb(mixed)).toBeGreaterThan(-2)
  })

  it('comes back to bit-exact after a loud passage', () => {
    const quiet = sine({ hz: 440, ms: 3000, levelDb: -20 })
    const shout = sine({ hz: 440, ms: 500, levelDb: -3.1 })
    const mixed = mix(createMixer({ channels: 1 }), { ana: quiet, bob: shout, cy: shout })
    expect(mixed.subarray(-48_000, -480)).toEqual(quiet.subarray(-48_000, -480))
  })

  it('applies volume per person, from nothing to double', () => {
    for (const [percent, db] of [
      [0, -100],
      [50, -26],
      [100, -20],
      [200, -14],
    ] as const) {
      const mixer = createMixer({ channels: 1 })
      mixer.input('ana').setVolume(percent)
      const mixed = mix(mixer, { ana: sine({ hz: 440, ms: 200 }) })
      expect(levelDb(mixed.subarray(960))).toBeCloseTo(db, 0)
    }
  })

  it('mutes one for me, still metering, and deafens all', () => {
    const mixer = createMixer({ channels: 1 })
    mixer.input('ana').setMuted(true)
    const mixed = mix(mixer, { ana: sine({ hz: 440, ms: 100 }), bob: sine({ hz: 900, ms: 100, levelDb: -30 }) })
    expect(levelDb(mixed.subarray(480))).toBeCloseTo(-30, 0)
    expect(mixer.input('ana').levelDb()).toBeCloseTo(-20, 0)
    mixer.setDeafened(true)
    expect(levelDb(mix(mixer, { bob: sine({ hz: 900, ms: 100 }) }))).toBe(-100)
  })

  it('lowers all by so many decibels without a step, and comes back to bit-exact', () => {
    const voice = sine({ hz: 440, ms: 1000 })
    const mixer = createMixer({ channels: 1 })
    mix(mixer, { ana: voice })
    mixer.lowerBy(20)
    const lowered = mix(mixer, { ana: voice })
    expect(levelDb(lowered.subarray(4800, 9600))).toBeLessThan(-38.5)
    expect(levelDb(lowered.subarray(-24_000))).toBeCloseTo(-40, 0)
    mixer.lowerBy(0)
    const back = mix(mixer, { ana: voice })
    expect(levelDb(back.subarray(14_400, 19_200))).toBeGreaterThan(-21.5)
    expect(back.subarray(-4800)).toEqual(voice.subarray(-4800))
    const steepest = (samples: Int16Array) =>
      Math.max(...samples.subarray(1).map((sample, i) => Math.abs(sample - samples[i]!)))
    expect(Math.max(steepest(lowered), steepest(back))).toBeLessThanOrEqual(steepest(voice) * 1.02)
  })

  it('lets what is beside the mix be heard by who is deafened, in both ears and not lowered', () => {
    const mixer = createMixer({ channels: 2 })
    mixer.setDeafened(true)
    mixer.lowerBy(20)
    mixer.input('ana').push(sine({ hz: 440, ms: 10 }), 48_000, 1)
    const beside = sine({ hz: 900, ms: 10, levelDb: -30 })
    const into = createFrame(2)
    mixer.pull(into, beside)
    for (const ear of [0, 1]) expect(into.filter((_, i) => i % 2 === ear)).toEqual(beside)
  })

  it('takes the first frames of WebRTC at 16 kHz and plays mono to both ears', () => {
    const mixer = createMixer({ channels: 2 })
    const input = mixer.input('ana')
    const into = createFrame(2)
    for (let i = 0; i < 10; i++) {
      input.push(sine({ hz: 400, ms: 10, sampleRate: 16_000 }), 16_000, 1)
      mixer.pull(into)
    }
    expect(levelDb(into)).toBeCloseTo(-20, 0)
    expect(into.filter((_, i) => i % 2 === 0)).toEqual(into.filter((_, i) => i % 2 === 1))
  })

  it('says whether all have given their next frame, some, or nobody', () => {
    const mixer = createMixer({ channels: 1 })
    const [ana, bob] = [mixer.input('ana'), mixer.input('bob')]
    const into = createFrame(1)
    const frame = sine({ hz: 440, ms: 10 })
    expect(mixer.waiting()).toBe('empty')
    // Nobody waits for one who has not begun.
    ana.push(frame, 48_000, 1)
    expect(mixer.waiting()).toBe('complete')
    bob.push(frame, 48_000, 1)
    mixer.pull(into)
    expect(mixer.waiting()).toBe('empty')
    bob.push(frame, 48_000, 1)
    expect(mixer.waiting()).toBe('partial')
    ana.push(frame, 48_000, 1)
    expect(mixer.waiting()).toBe('complete')
    mixer.pull(into)
    bob.push(frame, 48_000, 1)
    mixer.pull(into)
    // Ana was silent once: she is not waited for until she is back.
    bob.push(frame, 48_000, 1)
    expect(mixer.waiting()).toBe('complete')
    ana.remove()
    mixer.pull(into)
    expect(mixer.waiting()).toBe('empty')
  })

  it('counts what was missing and what was too much, and keeps the delay bounded', () => {
    const mixer = createMixer({ channels: 1 })
    const input = mixer.input('ana')
    const into = createFrame(1)
    const frame = sine({ hz: 440, ms: 10 })
    for (let i = 0; i < 3; i++) input.push(frame, 48_000, 1)
    for (let i = 0; i < 4; i++) mixer.pull(into)
    expect(input.stats()).toEqual({ starvedMs: 10, droppedMs: 0, fillMs: 0 })
    for (let i = 0; i < 100; i++) input.push(frame, 48_000, 1)
    expect(input.stats().fillMs).toBeLessThanOrEqual(120)
    expect(input.stats().droppedMs).toBeGreaterThan(800)
  })

  it('stops and starts without a click', () => {
    const mixer = createMixer({ channels: 1 })
    const input = mixer.input('ana')
    const into = createFrame(1)
    const frames = framesOf(sine({ hz: 440, ms: 100 }))
    const output: number[] = []
    for (const at of [0, 1, 2, undefined, undefined, 5, 6]) {
      if (at !== undefined) input.push(frames[at]!, 48_000, 1)
      mixer.pull(into)
      output.push(...into)
    }
    const peak = Math.max(...frames[3]!)
    // A 440 Hz sine rises by at most 2 pi 440 / 48,000 of its peak from one sample to the next.
    const steepest = Math.max(...output.slice(1).map((sample, i) => Math.abs(sample - output[i]!)))
    expect(steepest).toBeLessThan(peak * 0.12)
    expect(output.slice(4 * 480, 5 * 480).every((sample) => sample === 0)).toBe(true)
  })

  it('wears spare delay off while sound runs steadily', () => {
    const mixer = createMixer({ channels: 1 })
    const input = mixer.input('ana')
    const into = createFrame(1)
    const frame = sine({ hz: 400, ms: 10 })
    for (let i = 0; i < 9; i++) input.push(frame, 48_000, 1)
    for (let i = 0; i < 100; i++) {
      input.push(frame, 48_000, 1)
      mixer.pull(into)
    }
    expect(input.stats()).toEqual({ fillMs: 0, starvedMs: 0, droppedMs: 90 })
  })

  it('keeps nothing back when WebRTC goes over from 16 to 48 kHz', () => {
    const mixer = createMixer({ channels: 1 })
    const input = mixer.input('ana')
    const into = createFrame(1)
    for (let i = 0; i < 4; i++) input.push(new Int16Array(160), 16_000, 1)
    while (mixer.waiting() === 'complete') mixer.pull(into)
    const frame = sine({ hz: 440, ms: 10 })
    input.push(frame, 48_000, 1)
    mixer.pull(into)
    expect(into.at(-1)).toBeCloseTo(frame.at(-1)!, -2)
  })

  it('forgets who left', () => {
    const mixer = createMixer()
    const input = mixer.input('ana')
    expect(mixer.inputs()).toEqual(['ana'])
    input.remove()
    expect(mixer.inputs()).toEqual([])
  })
})
