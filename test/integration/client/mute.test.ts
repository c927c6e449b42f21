import { afterAll, beforeAll, expect, it } from 'vitest'
import { startFrameClock } from '../../../src/audio/clock.ts'
import { type AudioSource, createFrame, FRAME_SAMPLES, SAMPLE_RATE } from '../../../src/audio/frame.ts'
import { SILENCE_DB } from '../../../src/audio/level.ts'
import { connectMedia } from '../../../src/client/media.ts'
import { startSession } from '../../../src/client/session.ts'
import type { Session } from '../../../src/client/session-contract.ts'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'

const SPEAKERS = 8
const TRIALS_EACH = 25
/** Both are said with -20 dBFS; less than this of one is the other's, cut off. */
const AUDIBLE_DB = -42
/** How long after the answer something could still come: 20 frames of 10 ms. */
const LISTEN_FRAMES = 20

/** A tone, and how much of it there is in a frame of 10 ms, under a Hann window. */
const toneOf = (hz: number) => {
  const wave = (part: (angle: number) => number) =>
    Float64Array.from({ length: FRAME_SAMPLES }, (_, i) => {
      const window = 1 - Math.cos((2 * Math.PI * i) / FRAME_SAMPLES)
      return (window * part((2 * Math.PI * hz * i) / SAMPLE_RATE)) / FRAME_SAMPLES
    })
  const [re, im] = [wave(Math.cos), wave(Math.sin)]
  const sum = (frame: Int16Array, by: Float64Array) => by.reduce((total, each, i) => total + each * frame[i]!, 0)
  return {
    hz,
    levelDb: (frame: Int16Array) =>
      20 * Math.log10(Math.max(1e-5, (Math.SQRT2 * Math.hypot(sum(frame, re), sum(frame, im))) / 32_768)),
  }
}

/** What is said before the answer to `mute`, and after it. */
const BEFORE = toneOf(400)
const AFTER = toneOf(1_500)

let server: TestMediaServer
let ear: Ear
const speakers: Speaker[] = []
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
  ear = await startEar(await server.token('ear', 'room', { canPublish: false }))
  for (let i = 0; i < SPEAKERS; i++) speakers.push(await startSpeaker(`s${i}`, { isLive: i % 2 === 0 }))
})
afterAll(async () => {
  await Promise.all(speakers.map((one) => one.close()))
  await ear?.close()
  await server?.close()
})

it(`answers a mute only when nothing that is said after it is heard: ${SPEAKERS * TRIALS_EACH} trials`, async () => {
  const broken: string[] = []
  const speak = async (one: Speaker) => {
    // That it would be heard, if it got out.
    one.say(AFTER)
    await one.session.command({ verb: 'unmute' })
    await ear.hears(one.name, AFTER)
    for (let trial = 0; trial < TRIALS_EACH; trial++) {
      one.say(BEFORE)
      await one.session.command({ verb: 'unmute' })
      await ear.hears(one.name, BEFORE)
      ear.forget(one.name)
      await one.session.command({ verb: 'mute' })
      one.say(AFTER)
      const afterDb = await ear.loudest(one.name, AFTER)
      if (afterDb > AUDIBLE_DB) broken.push(`${one.name}, trial ${trial}: ${Math.round(afterDb)} dBFS`)
    }
  }
  await Promise.all(speakers.map(speak))
  expect(broken).toEqual([])
})

type Speaker = { name: string; session: Session; say(tone: Tone): void; close(): Promise<void> }

/** A session whose microphone is a device that hears one tone or the other; a live one gives its frames as they come. */
const startSpeaker = async (name: string, { isLive }: { isLive: boolean }): Promise<Speaker> => {
  let tone: Tone = BEFORE
  let at = 0
  const read = (into: Int16Array) => {
    for (let i = 0; i < into.length; i++) into[i] = 4_634 * Math.sin((2 * Math.PI * tone.hz * at++) / SAMPLE_RATE)
    return 'frame' as const
  }
  const listen = (onFrame: (frame: Int16Array) => void) => {
    const frame = createFrame(1)
    const onTick = () => {
      read(frame)
      onFrame(frame)
    }
    return startFrameClock({ onFrame: onTick }).close
  }
  const source: AudioSource = { channels: 1, read, listen: isLive ? listen : undefined, close: async () => {} }
  const target = { url: server.url, token: await server.token(name, 'room') }
  const session = startSession({ target, source, sink: null, isDevice: true })
  await session.joined
  return {
    name,
    session,
    say: (next) => {
      tone = next
    },
    close: () => session.close(),
  }
}

type Ear = {
  /** Waits until somebody is heard with that tone, from now on. */
  hears(id: string, tone: Tone): Promise<void>
  forget(id: string): void
  /** The loudest frame of that tone, in dBFS, since it was forgotten and in the next so many frames. */
  loudest(id: string, tone: Tone): Promise<number>
  close(): Promise<void>
}

type Tone = typeof BEFORE | typeof AFTER

const startEar = async (token: string): Promise<Ear> => {
  const heard = new Map<string, { frames: number; loudestDb: Map<Tone, number> }>()
  const of = (id: string) => {
    const one = heard.get(id) ?? { frames: 0, loudestDb: new Map() }
    heard.set(id, one)
    return one
  }
  const loudestDb = (id: string, tone: Tone) => of(id).loudestDb.get(tone) ?? SILENCE_DB
  const media = await connectMedia({
    url: server.url,
    token,
    onEvent: () => {},
    onPcm: (id, _trackId, samples, sampleRate, channels) => {
      if (sampleRate !== SAMPLE_RATE) return
      const mono = samples.filter((_, i) => i % channels === 0)
      const one = of(id)
      one.frames++
      for (const tone of [BEFORE, AFTER]) one.loudestDb.set(tone, Math.max(loudestDb(id, tone), tone.levelDb(mono)))
    },
  })
  return {
    hears: async (id, tone) => {
      heard.delete(id)
      await eventually(() => loudestDb(id, tone) > AUDIBLE_DB || Promise.reject(new Error(`${of(id).frames} frames`)), {
        withinMs: 10_000,
        what: `${id} is heard with ${tone.hz} Hz`,
      })
    },
    forget: (id) => void heard.delete(id),
    loudest: async (id, tone) => {
      const before = of(id).frames
      await eventually(() => of(id).frames >= before + LISTEN_FRAMES, {
        withinMs: 10_000,
        what: `${LISTEN_FRAMES} frames from ${id}`,
      })
      return loudestDb(id, tone)
    },
    close: media.close,
  }
}
