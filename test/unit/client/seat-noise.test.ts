import { describe, expect, it } from 'vitest'
import { type AudioSource, createFrame } from '../../../src/audio/frame.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { createToneSource } from '../../../src/audio/sources/tone.ts'
import { createSeatNoise } from '../../../src/client/seat-noise.ts'
import { eventually } from '../../support/eventually.ts'
import { fanNoise } from '../../support/voice.ts'

/** A microphone that hears a fan; live, as devices are, when it is told to give a frame. */
const fan = () => {
  const noise = fanNoise(48_000, -30)
  let at = 0
  let give = (_frame: Int16Array) => {}
  const next = (into: Int16Array) => {
    into.set(noise.subarray(at, at + into.length))
    at = (at + into.length) % noise.length
  }
  const source: Required<AudioSource> = {
    channels: 1,
    read: (into) => {
      next(into)
      return 'frame'
    },
    listen: (onFrame) => {
      give = onFrame
      return () => {}
    },
    close: async () => {},
  }
  const live = () => {
    const frame = createFrame(1)
    next(frame)
    give(frame)
  }
  return { source, live }
}

const open = (isWished: boolean, openDenoiser?: Parameters<typeof createSeatNoise>[0]['openDenoiser']) => {
  const told: boolean[] = []
  const problems: string[] = []
  const noise = createSeatNoise({
    isWished,
    onChange: (isSuppressed) => told.push(isSuppressed),
    onProblem: (message) => problems.push(message),
    openDenoiser,
  })
  return { noise, told, problems }
}

const levelAfter = (source: AudioSource, frames: number) => {
  const frame = createFrame(1)
  for (let i = 0; i < frames; i++) source.read(frame)
  return levelDb(frame)
}

describe("a seat's noise suppression", () => {
  it('takes the noise of a microphone that is read, or gives by itself, and lets it pass again when told', async () => {
    const { noise, told } = open(true)
    const { source, live } = fan()
    const clean = noise.clean(source)
    await eventually(() => told.length === 1, { withinMs: 5_000, what: 'noise is suppressed' })
    expect(levelAfter(clean, 200)).toBeLessThan(-70)
    let heardDb = 0
    clean.listen((frame) => {
      heardDb = levelDb(frame)
    })
    live()
    expect(heardDb).toBeLessThan(-70)
    await noise.setWished(false)
    live()
    live()
    expect(Math.abs(heardDb + 30)).toBeLessThan(3)
    expect(told).toEqual([true, false])
  })

  it('goes over to a microphone that comes later', async () => {
    const { noise, told } = open(true)
    noise.clean(fan().source)
    await eventually(() => told.length === 1, { withinMs: 5_000, what: 'noise is suppressed' })
    expect(levelAfter(noise.clean(fan().source), 200)).toBeLessThan(-70)
    expect(told).toEqual([true])
  })

  it('leaves every sample as it is when it is off, and in stereo always', async () => {
    const off = open(false)
    const [one, other] = [createFrame(1), createFrame(1)]
    const clean = off.noise.clean(fan().source)
    const { source } = fan()
    for (let i = 0; i < 100; i++) {
      clean.read(one)
      source.read(other)
      expect(one).toEqual(other)
    }
    const { noise, told } = open(true)
    const music: AudioSource = { ...createToneSource({ hz: 440 }), channels: 2 }
    expect(noise.clean(music)).toBe(music)
    await noise.setWished(true)
    expect([...told, ...off.told]).toEqual([])
  })

  it('that cannot run is told once, the sound goes out as it is, and asking for it again says why not', async () => {
    const { noise, told, problems } = open(true, async () => {
      throw new Error('no WebAssembly')
    })
    const clean = noise.clean(fan().source)
    noise.clean(fan().source)
    await eventually(() => problems.length > 0, { withinMs: 5_000, what: 'the problem is told' })
    expect(problems).toEqual(['Noise cannot be suppressed here, your microphone goes out as it is: no WebAssembly.'])
    expect(Math.abs(levelAfter(clean, 100) + 30)).toBeLessThan(3)
    await expect(noise.setWished(true)).rejects.toMatchObject({ code: 'internal', message: problems[0] })
    expect(told).toEqual([])
  })
})
