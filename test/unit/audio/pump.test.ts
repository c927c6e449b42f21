import { describe, expect, it } from 'vitest'
import { type AudioSource, createFrame, type ReadResult } from '../../../src/audio/frame.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { createPump, type PumpedFrame } from '../../../src/audio/pump.ts'
import { createSilenceSource } from '../../../src/audio/sources/silence.ts'
import { createToneSource } from '../../../src/audio/sources/tone.ts'

const setUp = (source: AudioSource, options: { muted?: boolean; channels?: 1 | 2 } = {}) => {
  const frames: Array<PumpedFrame & { sentDb: number; length: number }> = []
  let endings = 0
  const pump = createPump({
    source,
    ...options,
    onFrame: (frame, about) => frames.push({ ...about, sentDb: levelDb(frame), length: frame.length }),
    onEnded: () => endings++,
  })
  return { pump, frames, endings: () => endings }
}

const scripted = (results: ReadResult[]): AudioSource => ({
  channels: 1,
  read: (into) => {
    into.fill(1000)
    return results.shift() ?? 'ended'
  },
  close: async () => {},
})

const liveSource = () => {
  let listener: ((frame: Int16Array) => void) | undefined
  const source: AudioSource = {
    channels: 1,
    read: (into) => {
      into.fill(0)
      return 'starved'
    },
    listen: (onFrame) => {
      listener = onFrame
      return () => {
        listener = undefined
      }
    },
    close: async () => {},
  }
  return { source, give: (frame: Int16Array) => listener?.(frame), isHeard: () => listener !== undefined }
}

describe('pump', () => {
  it('sends what the source gives, with its level', () => {
    const { pump, frames } = setUp(createToneSource({ hz: 500 }))
    pump.tick()
    expect(frames[0]!.levelDb).toBeCloseTo(-20, 1)
    expect(frames[0]!.sentDb).toBeCloseTo(-20, 1)
  })

  it('sends silence while muted and still meters what is spoken', () => {
    const { pump, frames } = setUp(createToneSource({ hz: 500 }), { muted: true })
    pump.tick()
    pump.setMuted(false)
    pump.tick()
    expect(frames[0]).toMatchObject({ muted: true, sentDb: -100 })
    expect(frames[0]!.levelDb).toBeCloseTo(-20, 1)
    expect(frames[1]).toMatchObject({ muted: false })
    expect(frames[1]!.sentDb).toBeCloseTo(-20, 1)
  })

  it('swaps the source between two frames, whatever its channels', () => {
    const { pump, frames } = setUp(createSilenceSource(), { channels: 2 })
    pump.tick()
    pump.setSource(createToneSource({ hz: 500, levelDb: -30, channels: 2 }))
    pump.tick()
    pump.setSource(createToneSource({ hz: 500, levelDb: -10 }))
    pump.tick()
    expect(frames.map((frame) => Math.round(frame.sentDb))).toEqual([-100, -30, -10])
    expect(frames.every((frame) => frame.length === 960)).toBe(true)
  })

  it('sends what a live source gives as it comes, and silence by the clock when it has gone quiet', () => {
    const live = liveSource()
    const { pump, frames } = setUp(live.source)
    const frame = createFrame(1).fill(3000)
    for (let i = 0; i < 5; i++) {
      live.give(frame)
      pump.tick()
    }
    expect(frames.map(({ sentDb }) => Math.round(sentDb))).toEqual([-21, -21, -21, -21, -21])
    // A stall of 100 ms, caught up by its own frames.
    for (let i = 0; i < 9; i++) pump.tick()
    expect(frames).toHaveLength(5)
    for (let i = 0; i < 9; i++) live.give(frame)
    expect(frames).toHaveLength(14)
    for (let i = 0; i < 13; i++) pump.tick()
    expect(frames.slice(14).map(({ sentDb }) => sentDb)).toEqual([-100, -100, -100])
    live.give(frame)
    pump.tick()
    expect(frames).toHaveLength(18)
    pump.setSource(createSilenceSource())
    expect(live.isHeard()).toBe(false)
    pump.tick()
    expect(frames).toHaveLength(19)
    pump.setSource(live.source)
    pump.close()
    expect(live.isHeard()).toBe(false)
  })

  it('counts starvation and tells the end once, then goes on in silence', () => {
    const { pump, frames, endings } = setUp(scripted(['frame', 'starved', 'starved', 'ended']))
    for (let i = 0; i < 6; i++) pump.tick()
    expect(pump.stats()).toEqual({ frames: 6, starvedFrames: 2, skippedFrames: 0 })
    expect(endings()).toBe(1)
    expect(frames.slice(4).map((frame) => frame.sentDb)).toEqual([-100, -100])
    pump.setSource(scripted([]))
    pump.tick()
    expect(endings()).toBe(2)
  })
})
