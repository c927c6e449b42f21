import { afterEach, expect, it } from 'vitest'
import { createToneSource } from '../../../src/audio/sources/tone.ts'
import type { Media } from '../../../src/client/media.ts'
import { type Microphone, startMicrophone } from '../../../src/client/microphone.ts'
import { eventually } from '../../support/eventually.ts'

let microphone: Microphone
afterEach(() => microphone.close())

/** A microphone on a track that notes of each frame whether there is sound in it. */
const openMicrophone = async ({ muted = false } = {}) => {
  const written: boolean[] = []
  const publication = {
    write: (frame: Int16Array) => void written.push(frame.some((sample) => sample !== 0)),
    setMuted: async () => {},
    close: async () => {},
  }
  microphone = startMicrophone({ isDevice: true, onSending: () => {}, onProblem: () => {} })
  microphone.setSource(createToneSource({ hz: 440 }))
  microphone.setMedia({ publish: async () => publication } as unknown as Media)
  microphone.setMayPublish(true)
  await microphone.setMuted(muted)
  await eventually(() => written.at(-1) === !muted, { withinMs: 2_000, what: 'its first frame' })
  return written
}

it('says that it is muted when the last open frame has had the time of a packet to go out', async () => {
  const written = await openMicrophone()
  await microphone.setMuted(true)
  const silentFrames = written.length - 1 - written.lastIndexOf(true)
  expect(silentFrames).toBeGreaterThanOrEqual(3)
})

it('is open again at once when its owner changes their mind, and answers both', async () => {
  const written = await openMicrophone()
  const muting = microphone.setMuted(true)
  await Promise.all([microphone.setMuted(false), muting])
  const before = written.length
  await eventually(() => written.slice(before).includes(true), { withinMs: 2_000, what: 'sound again' })
})

it('answers when the connection goes while the last frames are waited for', async () => {
  await openMicrophone()
  const muting = microphone.setMuted(true)
  microphone.setMedia(null)
  await muting
})

it('catches up with sound after a short hold-up, and leaves out silence that is late', async () => {
  /** Frames written for a hold-up of 70 ms; one that a busy machine made longer than is caught up is no such hold-up. */
  const writtenInHoldUp = async (written: boolean[]): Promise<number> => {
    const before = written.length
    await eventually(() => written.length > before, { withinMs: 2_000, what: 'a frame', everyMs: 1 })
    const startMs = performance.now()
    while (performance.now() - startMs < 70);
    const held = written.length
    await eventually(() => written.length > held, { withinMs: 2_000, what: 'the frames that were due', everyMs: 1 })
    return performance.now() - startMs < 95 ? written.length - held : writtenInHoldUp(written)
  }
  expect(await writtenInHoldUp(await openMicrophone())).toBeGreaterThanOrEqual(6)
  await microphone.close()
  expect(await writtenInHoldUp(await openMicrophone({ muted: true }))).toBeLessThanOrEqual(5)
})
