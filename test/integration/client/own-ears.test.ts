import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AudioSink, type AudioSource, SAMPLE_RATE } from '../../../src/audio/frame.ts'
import { levelDb, powerDb, SILENCE_DB } from '../../../src/audio/level.ts'
import { createToneSource } from '../../../src/audio/sources/tone.ts'
import { cueSound } from '../../../src/client/cues.ts'
import type { Tuning } from '../../../src/client/room-tuning.ts'
import { cueKinds } from '../../../src/protocol/cues.ts'
import { eventually } from '../../support/eventually.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { framesOf, trimmed } from '../../support/signals.ts'
import { enter, newPerson, openRoom, type Person, type Stay, tone } from './people.ts'

let server: TestServer
let host: Person
let guest: Person
const stays: Stay[] = []
const stay = async (...args: Parameters<typeof enter>) => {
  const entered = await enter(...args)
  stays.push(entered)
  return entered
}

beforeAll(async () => {
  server = await startTestServer({ media: 'embedded' })
  host = await newPerson(server, 'Lena')
  guest = await newPerson(server, 'Omar')
})
afterEach(() => Promise.all(stays.splice(0).map(({ session }) => session.close())))
afterAll(async () => {
  await Promise.all([host?.api.close(), guest?.api.close()])
  await server?.close()
})

/** A speaker that keeps what it was given to play. */
const speaker = () => {
  const frames: Int16Array[] = []
  const sink: AudioSink = { channels: 1, write: (frame) => frames.push(frame.slice()), close: async () => {} }
  const loudestDb = (last: number) => Math.max(SILENCE_DB, ...frames.slice(-last).map(levelDb))
  return { sink, frames, loudestDb }
}

/** A microphone into which a tone is spoken, or nothing. */
const voice = () => {
  const sound = createToneSource({ hz: 440 })
  let isSpeaking = false
  const source: AudioSource = {
    ...sound,
    read: (into) => {
      if (isSpeaking) return sound.read(into)
      into.fill(0)
      return 'frame'
    },
  }
  const speak = (next: boolean) => {
    isSpeaking = next
  }
  return { source, speak }
}

/** The sounds between silences of 50 ms, without the silence at their ends. */
const soundsIn = (frames: Int16Array[]): Int16Array[] => {
  const sounds: Int16Array[] = []
  let sound: number[] = []
  let silentFrames = 0
  const end = () => {
    if (sound.length > 0) sounds.push(trimmed(Int16Array.from(sound)))
    sound = []
  }
  for (const frame of frames) {
    silentFrames = levelDb(frame) === SILENCE_DB ? silentFrames + 1 : 0
    if (silentFrames === 0 || sound.length > 0) sound.push(...frame)
    if (silentFrames === 5) end()
  }
  end()
  return sounds
}
const names = (sounds: Int16Array[]): string[] =>
  sounds.map((sound) => {
    const text = sound.join()
    return cueKinds.find((kind) => trimmed(cueSound(kind)).join() === text) ?? `${sound.length} samples of no cue`
  })

describe('cues', () => {
  it('are heard whole on the own speaker, and above -70 dBFS by nobody else', async () => {
    const room = await openRoom(host, 'Cues')
    const [own, others] = [speaker(), speaker()]
    const { source, speak } = voice()
    const lena = await stay(host, room, null, { sink: others.sink })
    // As music: in the pauses of a voice the codec makes a noise of its own, which is no cue.
    const options = { sink: own.sink, isDevice: true, music: true, cues: cueKinds }
    const omar = await stay(guest, room, source, options)
    const who = omar.session.state().you.id
    const isMicrophone = (wanted: string) =>
      eventually(() => omar.session.state().you.microphone === wanted, { withinMs: 15_000, what: wanted })
    const isPlayed = (...kinds: string[]) =>
      eventually(
        () => {
          const played = names(soundsIn(own.frames))
          const isOver = own.loudestDb(10) === SILENCE_DB
          if (!isOver || played.join() !== kinds.join()) throw new Error(`played: ${played.join(', ')}`)
          return true
        },
        { withinMs: 15_000, what: `${kinds.join(', ')} played` },
      )
    let [from, loudest] = [0, SILENCE_DB]
    /** Lena hears Omar's microphone, and from then on no more than silence of it: what comes now would be a cue. */
    const begin = async () => {
      speak(true)
      const isHeard = () => others.loudestDb(5) > -30 && lena.session.heard().some((one) => one.who === 'Omar')
      await eventually(isHeard, { withinMs: 10_000, what: 'Lena hears the microphone' })
      speak(false)
      await eventually(() => others.loudestDb(30) < -70, { withinMs: 10_000, what: 'Lena hears its silence' })
      from = others.frames.length
    }
    const count = () => {
      loudest = Math.max(loudest, others.loudestDb(others.frames.length - from))
    }

    await lena.session.command({ verb: 'stage', action: 'invite', who })
    await isPlayed('invited')
    await omar.session.command({ verb: 'accept' })
    await isMicrophone('muted')
    await omar.session.command({ verb: 'unmute' })
    await isPlayed('invited', 'open')
    await begin()
    await omar.session.command({ verb: 'mute' })
    await isPlayed('invited', 'open', 'closed')
    await omar.session.command({ verb: 'unmute' })
    await isPlayed('invited', 'open', 'closed', 'open')
    await eventually(() => others.frames.length > from + 100, { withinMs: 5_000, what: 'a second of Lena listening' })
    count()

    process.kill(server.media!.pid, 'SIGKILL')
    await isPlayed('invited', 'open', 'closed', 'open', 'reconnecting', 'back')
    await isMicrophone('open')
    await begin()
    await lena.session.command({ verb: 'stage', action: 'kick', who })
    expect(await omar.session.done).toMatchObject({ reason: 'kicked' })
    const atTheEnd = own.frames.length
    expect(names(soundsIn(own.frames)).at(-1)).toBe('removed')
    const written = others.frames.length
    await eventually(() => others.frames.length > written + 50, { withinMs: 5_000, what: 'Lena listens on' })
    count()
    expect(loudest).toBeLessThan(-70)
    expect(own.frames.length).toBe(atTheEnd)
    expect([omar.session.heard(), lena.session.heard().map((one) => one.who)]).toEqual([[], ['Omar']])
  })

  // There the codec makes a noise of its own: with cues and without its 10 ms come to -94 to -67 dBFS, over all frequencies.
  it('leave nothing of their tones in the pauses of a voice', async () => {
    const room = await openRoom(host, 'Pauses')
    const [own, others] = [speaker(), speaker()]
    const { source, speak } = voice()
    const lena = await stay(host, room, null, { sink: others.sink })
    const omar = await stay(guest, room, source, { sink: own.sink, isDevice: true, cues: ['open', 'closed'] })
    await lena.session.command({ verb: 'stage', action: 'invite', who: omar.session.state().you.id })
    await eventually(() => omar.session.state().you.invitation, { withinMs: 3_000, what: 'the invitation' })
    await omar.session.command({ verb: 'accept' })
    await eventually(() => omar.session.state().you.microphone === 'muted', { withinMs: 5_000, what: 'on stage' })
    await omar.session.command({ verb: 'unmute' })
    speak(true)
    await eventually(() => others.loudestDb(5) > -30, { withinMs: 10_000, what: 'Lena hears the microphone' })
    speak(false)
    await eventually(() => others.loudestDb(30) < -60, { withinMs: 10_000, what: 'Lena hears its silence' })
    const from = others.frames.length
    for (const verb of ['mute', 'unmute', 'mute', 'unmute'] as const) {
      const played = own.frames.length
      await omar.session.command({ verb })
      const isPlayed = () => names(soundsIn(own.frames.slice(played))).includes(verb === 'mute' ? 'closed' : 'open')
      await eventually(isPlayed, { withinMs: 10_000, what: `the cue of ${verb}` })
    }
    const last = others.frames.length
    await eventually(() => others.frames.length > last + 50, { withinMs: 5_000, what: 'Lena listens on' })
    const heard = others.frames.slice(from)
    expect(heard.length).toBeGreaterThan(100)
    // What would be found of a cue itself.
    expect(loudestToneDb(framesOf(cueSound('open')))).toBeGreaterThan(-35)
    expect(loudestToneDb(heard)).toBeLessThan(-70)
  })
})

/** RMS dBFS of the two notes of `open` and `closed`, in any 80 ms: as long as each of them is. */
const loudestToneDb = (frames: Int16Array[]): number => {
  const windows = frames.slice(0, -7).map((_, i) => frames.slice(i, i + 8).flatMap((frame) => [...frame]))
  return Math.max(...windows.flatMap((window) => [660, 880].map((hz) => toneDb(window, hz))))
}

/** One bin of the discrete Fourier transform. */
const toneDb = (samples: number[], hz: number): number => {
  const turns = samples.map((_, i) => (2 * Math.PI * hz * i) / SAMPLE_RATE)
  const [real, imaginary] = [Math.cos, Math.sin].map((part) =>
    samples.reduce((sum, sample, i) => sum + sample * part(turns[i]!), 0),
  ) as [number, number]
  return powerDb((2 * (real ** 2 + imaginary ** 2)) / samples.length, samples.length)
}

describe('the others', () => {
  it('are lowered by the decibels that were set while one speaks on an open microphone, and no longer', async () => {
    const room = await openRoom(host, 'Ducking')
    const own = speaker()
    const { source, speak } = voice()
    const lena = await stay(host, room, tone(880))
    const omar = await stay(guest, room, source, { sink: own.sink, isDevice: true, duckingDb: 20 })
    await lena.session.command({ verb: 'stage', action: 'invite', who: omar.session.state().you.id })
    await eventually(() => omar.session.state().you.invitation, { withinMs: 3_000, what: 'the invitation' })
    await omar.session.command({ verb: 'accept' })
    /** A fifth of a second in which each 10 ms had that level, give or take 1 dB. */
    const isHeardAt = (db: number, what: string) =>
      eventually(() => own.frames.slice(-20).every((frame) => Math.abs(levelDb(frame) - db) < 1), {
        withinMs: 15_000,
        what: `Lena at ${db} dBFS ${what}`,
      })
    await isHeardAt(-20, 'at first')
    speak(true)
    await isHeardAt(-20, 'while Omar talks on a closed microphone')
    await omar.session.command({ verb: 'unmute' })
    await isHeardAt(-40, 'while Omar speaks')
    speak(false)
    await isHeardAt(-20, 'when Omar has spoken')
    speak(true)
    await isHeardAt(-40, 'again')
    omar.session.setDucking(0)
    await isHeardAt(-20, 'without ducking')
    // What is counted as heard is what came.
    const heard = omar.session.heard().find(({ who }) => who === 'Lena')!
    expect(Math.abs(heard.levelDb + 20)).toBeLessThan(1.5)
  })

  it('sound as they were tuned in a former stay, by who they are and not by their id', async () => {
    const tunings = new Map<string, Tuning>()
    const remember = { tunings, onTuned: (who: string, tuning: Tuning) => void tunings.set(who, tuning) }
    const stayWith = async (title: string) => {
      const room = await openRoom(host, title)
      const own = speaker()
      const lena = await stay(host, room, tone(880))
      const omar = await stay(guest, room, null, { ...remember, sink: own.sink })
      const isHeardAt = (db: number) =>
        eventually(() => own.frames.length > 50 && Math.abs(own.loudestDb(20) - db) < 1, {
          withinMs: 10_000,
          what: `Lena at ${db} dBFS`,
        })
      const id = lena.session.state().you.id
      return { omar, isHeardAt, id, own }
    }
    const first = await stayWith('First')
    await first.isHeardAt(-20)
    await first.omar.session.command({ verb: 'volume', percent: 50, who: `@${host.handle}` })
    await first.isHeardAt(-26)
    const second = await stayWith('Second')
    expect(second.id).not.toBe(first.id)
    await second.isHeardAt(-26)
    await second.omar.session.command({ verb: 'silence', who: 'Lena' })
    await second.isHeardAt(SILENCE_DB)
    const third = await stayWith('Third')
    await eventually(() => third.omar.session.heard()[0]?.seconds, { withinMs: 10_000, what: 'Lena is measured' })
    expect(third.own.loudestDb(third.own.frames.length)).toBe(SILENCE_DB)
    await third.omar.session.command({ verb: 'hear', who: 'Lena' })
    await third.isHeardAt(-26)
    expect(Object.fromEntries(tunings)).toEqual({ [`@${host.handle}`]: { volume: 50, isSilenced: false } })
  })
})
