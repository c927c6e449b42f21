import { afterEach, describe, expect, it } from 'vitest'
import type { AudioSink } from '../../../src/audio/frame.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { startHearing } from '../../../src/client/hearing.ts'
import { eventually } from '../../support/eventually.ts'
import { sine } from '../../support/signals.ts'

const frame = sine({ hz: 400, ms: 10 })
let hearing: ReturnType<typeof startHearing> | undefined
afterEach(() => hearing?.close())

const listen = () => {
  const written: number[] = []
  const sink: AudioSink = {
    channels: 1,
    write: (samples) => written.push(Math.round(levelDb(samples))),
    close: async () => {},
  }
  hearing = startHearing()
  hearing.setSink(sink)
  const give = (name: string) => hearing!.push(name, `track of ${name}`, frame, 48_000, 1)
  return { written, give, hearing }
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
})
