import { afterEach, describe, expect, it } from 'vitest'
import { renderChime } from '../../../src/audio/chime.ts'
import type { AudioSink } from '../../../src/audio/frame.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { type HearingOptions, startHearing } from '../../../src/client/hearing.ts'
import { eventually } from '../../support/eventually.ts'
import { sine, trimmed } from '../../support/signals.ts'

const frame = sine({ hz: 400, ms: 10 })
let hearing: ReturnType<typeof startHearing> | undefined
afterEach(() => hearing?.close())

const listen = (options: HearingOptions = {}) => {
  const written: number[] = []
  const samples: number[] = []
  const sink: AudioSink = {
    channels: 1,
    write: (frame) => {
      written.push(Math.round(levelDb(frame)))
      samples.push(...frame)
    },
    close: async () => {},
  }
  hearing = startHearing(options)
  hearing.setSink(sink)
  const give = (name: string) => hearing!.push(name, `track of ${name}`, frame, 48_000, 1)
  return { written, samples: () => Int16Array.from(samples), give, hearing }
}

describe('what is heard', () => {
  it('goes to the speaker at once when the only one who sounds has given 10 ms', () => {
    const { written, give } = listen()
    for (let i = 0; i < 3; i++) give('ana')
    // The first fades in.
    expect(written).toEqual([-25, -20, -20])
  })

  it('waits for all who sound, however the frames of a late turn come', () => {
    const { written, give } = listen()
    give('ana')
    give('omar')
    give('ana')
    expect(written.splice(0)).toEqual([-25, -16])
    for (let i = 0; i < 4; i++) give('omar')
    expect(written).toHaveLength(0)
    for (let i = 0; i < 4; i++) give('ana')
    expect(written).toEqual([-14, -14, -14, -14])
  })

  it('lets go of what has become old in a stall', () => {
    const { written, give } = listen()
    for (let i = 0; i < 50; i++) give('ana')
    expect(written).toHaveLength(10)
  })

  it('does not wait for long for one who gives nothing any more', async () => {
    const { written, give } = listen()
    give('ana')
    give('omar')
    give('ana')
    give('omar')
    written.length = 0
    const feeding = setInterval(() => give('ana'), 10)
    await eventually(() => written.length >= 5, { withinMs: 2_000, what: 'ana is heard without omar' })
    clearInterval(feeding)
    expect(written.filter((level) => level === -20).length).toBeGreaterThanOrEqual(3)
  })

  it('is silence by the clock while nobody sounds, so that a recording keeps its time', async () => {
    const { written } = listen()
    const sinceMs = performance.now()
    await eventually(() => written.length >= 40, { withinMs: 5_000, what: '400 ms of silence' })
    expect(performance.now() - sinceMs).toBeGreaterThan(380)
    expect(new Set(written)).toEqual(new Set([-100]))
  })

  it('is of nobody who is silenced, from the first sample on, and of all others as loud as they are tuned', () => {
    const volumes: Record<string, number> = { ana: 0, omar: 50 }
    const { written, give, hearing } = listen({ volumeOf: (id) => volumes[id]! })
    for (let i = 0; i < 3; i++) give('ana')
    expect(written.splice(0)).toEqual([-100, -100, -100])
    volumes.ana = 100
    hearing.retune()
    for (let i = 0; i < 2; i++) give('ana')
    expect(written.at(-1)).toBe(-20)
    hearing.endTrack('track of ana')
    written.length = 0
    for (let i = 0; i < 3; i++) give('omar')
    expect(written.slice(1)).toEqual([-26, -26])
  })

  it('is lowered while one speaks and counted as loud as it was', async () => {
    const { written, give, hearing } = listen()
    hearing.lowerBy(20)
    const feeding = setInterval(() => give('ana'), 10)
    await eventually(() => written.at(-1) === -40, { withinMs: 5_000, what: 'ana is 20 dB quieter' })
    clearInterval(feeding)
    expect(hearing.heard()[0]?.levelDb).toBeCloseTo(-20, 0)
  })
})

describe('a cue', () => {
  const cue = renderChime([{ hz: 660, ms: 100 }])
  it('is heard whole in the silence of a room, also when deafened', async () => {
    const { samples, hearing } = listen()
    hearing.setDeafened(true)
    hearing.play(cue)
    const heard = () => trimmed(samples())
    await eventually(() => heard().length === trimmed(cue).length, { withinMs: 5_000, what: 'the cue' })
    expect(heard()).toEqual(trimmed(cue))
  })

  it('is added to what sounds, and counted as heard of nobody', async () => {
    const { samples, give, hearing } = listen()
    for (let i = 0; i < 2; i++) give('ana')
    hearing.play(cue)
    for (let i = 0; i < 8; i++) give('ana')
    const second = samples().subarray(960)
    expect(second).toEqual(sine({ hz: 400, ms: 10 * (second.length / 480) }).map((sample, i) => sample + cue[i]!))
    expect(hearing.heard()).toMatchObject([{ participantId: 'ana' }])
    expect(hearing.heard()[0]!.levelDb).toBeCloseTo(-20, 0)
    expect(hearing.takeLevels()).toEqual(new Map([['ana', -20]]))
  })

  it('is heard to its end when the room falls silent for good, and the others no more', async () => {
    const { written, samples, give, hearing } = listen()
    for (let i = 0; i < 2; i++) give('ana')
    const before = samples().length
    hearing.play(cue)
    let isSilent = false
    const silent = hearing.fallSilent().then(() => {
      isSilent = true
    })
    give('ana')
    expect([isSilent, samples().length]).toEqual([false, before])
    await silent
    expect(trimmed(samples().subarray(before))).toEqual(trimmed(cue))
    expect(Math.max(...written.slice(2))).toBeLessThan(-26)
  })

  it('holds nothing up where there is no speaker', async () => {
    hearing = startHearing()
    hearing.play(cue)
    await hearing.fallSilent()
  })
})
