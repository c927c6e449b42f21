import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type AudioSource, FRAME_SAMPLES, SAMPLE_RATE } from '../../src/audio/frame.ts'
import { type SeatClient, startSeat } from '../../src/client/seat.ts'
import type { Room } from '../../src/protocol/rooms.ts'
import type { SeatCommand } from '../../src/protocol/seat.ts'
import { enter, newPerson, type Person } from '../integration/client/people.ts'
import { eventually } from '../support/eventually.ts'
import { portAudioMissing } from '../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../support/pulse.ts'
import { startTestServer } from '../support/server.ts'
import { costOf, memoryOf } from './process-cost.ts'
import type { Bench, Print } from './run.ts'
import { medianOf, percentileOf } from './statistics.ts'

const WINDOW_MS = 30_000
const SHORT_WINDOW_MS = 8_000
const SETTLE_MS = 4_000
const ROUNDS = 100
const SHORT_ROUNDS = 10

/**
 * A seat in the audience of three people who talk, with microphone and speaker by PortAudio and a face on its socket,
 * beside two listeners that do no more than receive the same: one on wrtc, as the seat is, and one on rtc-node. Then how
 * soon a verb acts, on stage. To reach: without its PortAudio child 4 % of a core and 120 MB; 20 ms.
 */
export const run: Bench = async (print, { short, only }) => {
  const missing = pulseMissing ?? portAudioMissing
  if (missing) throw new Error(missing)
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-seat-bench-'))
  const pulse = await startPulse()
  Object.assign(process.env, pulse.env)
  const house = await openTalk()
  const talk = { ...house, folder, pulse }
  try {
    if (only !== 'verbs') await measureListening(print, talk, short ? SHORT_WINDOW_MS : WINDOW_MS)
    if (only !== 'listening') await measureVerbs(print, talk, short ? SHORT_ROUNDS : ROUNDS)
  } finally {
    await house.close()
    await pulse.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Talk = Awaited<ReturnType<typeof openTalk>> & { folder: string; pulse: Pulse }

/** A room in which three people talk, and Ana, who has not come yet. */
const openTalk = async () => {
  const server = await startTestServer({ media: 'embedded' })
  const people: Person[] = []
  for (const name of ['Lena', 'Omar', 'Kim', 'Ana']) people.push(await newPerson(server, name))
  const [lena, omar, kim, ana] = people as [Person, Person, Person, Person]
  const room = await lena.api.call('createRoom', {
    body: { title: 'Talk', cohosts: [omar, kim].map(({ handle }) => `@${handle}`) },
  })
  const stays = await Promise.all([lena, omar, kim].map((person, index) => enter(person, room, voice(index))))
  return {
    server,
    room,
    lena,
    ana,
    close: async () => {
      await Promise.all(stays.map(({ session }) => session.close()))
      for (const { api } of people) await api.close()
      await server.close()
    },
  }
}

/** Syllables of a voice: harmonics that swell and fade four times a second and never fall quite silent. */
const voice = (index: number): AudioSource => {
  const pitchHz = 110 + 40 * index
  const samples = Int16Array.from({ length: 4 * SAMPLE_RATE }, (_, at) => {
    const seconds = at / SAMPLE_RATE
    const syllable = 0.05 + 0.95 * Math.sin(Math.PI * seconds * (3.5 + index / 2)) ** 2
    const harmonics = [1, 2, 3, 4, 6, 9].reduce(
      (sum, harmonic) => sum + Math.sin(2 * Math.PI * pitchHz * harmonic * seconds) / harmonic,
      0,
    )
    return 4_000 * syllable * harmonics
  })
  let at = 0
  return {
    channels: 1,
    read: (into) => {
      into.set(samples.subarray(at, at + FRAME_SAMPLES))
      at = (at + FRAME_SAMPLES) % samples.length
      return 'frame'
    },
    close: async () => {},
  }
}

const openSeat = async ({ server, room, ana, folder, pulse }: Talk): Promise<SeatClient> => {
  const seat = await startSeat({
    folder: join(folder, 'seats'),
    server: server.url,
    roomId: room.id,
    token: ana.accessToken,
    source: pulse.microphone,
    speaker: pulse.speaker,
    soundEngine: 'portaudio',
  })
  // As a face does.
  seat.onState(() => {})
  await eventually(() => seat.state()!.participants.filter(({ levelDb }) => levelDb > -60).length === 3, {
    withinMs: 15_000,
    what: 'the seat hears all three',
  })
  return seat
}

const measureListening = async (print: Print, talk: Talk, windowMs: number) => {
  const seat = await openSeat(talk)
  const wrtc = await openPeer(talk, await bundlePeer(talk.folder))
  const rtcNode = await openPeer(talk, fileURLToPath(new URL('seat-rtc-node.js', import.meta.url)))
  const listeners = [
    { name: 'seat, without its PortAudio child', pid: seat.state()!.pid },
    { name: 'wrtc and livekit-client alone', pid: wrtc.pid },
    { name: 'rtc-node', pid: rtcNode.pid },
  ]
  try {
    await sleep(SETTLE_MS)
    const before = listeners.map(({ pid }) => costOf([pid]).cpuS)
    const fromMs = performance.now()
    await sleep(windowMs)
    const seconds = (performance.now() - fromMs) / 1000
    print('| listener | of a core | of the seat | MB resident | MB of its own |')
    print('|---|---|---|---|---|')
    const cores = listeners.map(({ pid }, index) => (costOf([pid]).cpuS - before[index]!) / seconds)
    for (const [index, { name, pid }] of listeners.entries()) {
      const { residentBytes, ownBytes } = memoryOf(pid)
      const cells = [
        `${(cores[index]! * 100).toFixed(2)} %`,
        `${(cores[index]! / cores[0]!).toFixed(2)}x`,
        (residentBytes / 1e6).toFixed(0),
        (ownBytes / 1e6).toFixed(0),
      ]
      print(`| ${name} | ${cells.join(' | ')} |`)
    }
  } finally {
    await Promise.all([wrtc.close(), rtcNode.close(), leave(seat)])
  }
}

const leave = async (seat: SeatClient) => {
  await seat.request({ verb: 'leave' }).catch(() => {})
}

const bundlePeer = async (folder: string): Promise<string> => {
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  const outfile = join(folder, 'seat-wrtc.js')
  await build({
    entryPoints: [fileURLToPath(new URL('seat-wrtc.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@roamhq/wrtc', 'bufferutil', 'utf-8-validate'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  return outfile
}

const openPeer = async ({ ana, room }: { ana: Person; room: Room }, script: string) => {
  const { url, token } = await ana.api.call('companion', { params: { roomId: room.id } })
  const child = spawn(process.execPath, [script, url, token], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (text) => (said += text))
  await eventually(() => said.includes('hears 3'), { withinMs: 15_000, what: `${script} hears all three` })
  return {
    pid: child.pid!,
    close: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.kill('SIGINT')) await gone
    },
  }
}

/** What each verb does, and where that is heard first. */
const verbs: { command: SeatCommand; where: 'microphone' | 'speaker'; isHeard: boolean }[] = [
  { command: { verb: 'mute' }, where: 'microphone', isHeard: false },
  { command: { verb: 'unmute' }, where: 'microphone', isHeard: true },
  { command: { verb: 'deafen' }, where: 'speaker', isHeard: false },
  { command: { verb: 'undeafen' }, where: 'speaker', isHeard: true },
]

const measureVerbs = async (print: Print, talk: Talk, rounds: number) => {
  const { folder, pulse, lena, room } = talk
  const file = join(folder, 'stamps')
  writeFileSync(file, '')
  const preload = fileURLToPath(new URL('seat-stamps.js', import.meta.url))
  Object.assign(process.env, { NODE_OPTIONS: `--import=${preload}`, ROOMTONE_BENCH_STAMPS: file })
  const seat = await openSeat(talk).finally(() => {
    delete process.env.NODE_OPTIONS
  })
  try {
    await lena.api.call('stage', { params: { roomId: room.id, who: `@${talk.ana.handle}`, action: 'invite' } })
    await eventually(() => seat.state()!.you.invitation, { withinMs: 5_000, what: 'the invitation' })
    await seat.request({ verb: 'accept' })
    void pulse.playTone(440, -20, rounds * 1_000 + 20_000)
    await eventually(() => seat.state()!.you.microphone === 'muted', { withinMs: 5_000, what: 'on stage' })
    await seat.request({ verb: 'unmute' })
    await eventually(() => seat.state()!.you.levelDb > -40, { withinMs: 5_000, what: 'the microphone hears the tone' })
    const answered = new Map(verbs.map(({ command }) => [command.verb, [] as number[]]))
    for (let round = 0; round < rounds; round++)
      for (const { command } of verbs) {
        const fromMs = performance.now()
        await seat.request(command)
        answered.get(command.verb)!.push(performance.now() - fromMs)
        // At any place of a frame, and after the effect has been written down.
        await sleep(60 + 10 * Math.random())
      }
    const stamps = readStamps(file)
    print('\n| verb | times | acts after ms, p50 | p99 | longest | answered after ms, p50 | p99 |')
    print('|---|---|---|---|---|---|---|')
    for (const verb of verbs) {
      const acted = actedAfter(stamps, verb).slice(-rounds)
      const told = answered.get(verb.command.verb)!
      const figures = [
        medianOf(acted),
        percentileOf(acted, 0.99),
        Math.max(...acted),
        medianOf(told),
        percentileOf(told, 0.99),
      ]
      print(`| ${verb.command.verb} | ${acted.length} | ${figures.map((ms) => ms.toFixed(1)).join(' | ')} |`)
    }
  } finally {
    await leave(seat)
  }
}

type Stamp = { atMs: number; what: string; isHeard: boolean | undefined }

const readStamps = (file: string): Stamp[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([at, what, is]) => ({ atMs: Number(at), what: what!, isHeard: is === undefined ? undefined : is === '1' }))

/** From the reading of the verb to the first frame of 10 ms that shows its effect. */
const actedAfter = (stamps: Stamp[], { command, where, isHeard }: (typeof verbs)[number]): number[] =>
  stamps.flatMap((stamp, index) => {
    if (stamp.what !== command.verb) return []
    const effect = stamps.slice(index, index + 4).find((next) => next.what === where)
    return effect?.isHeard === isHeard ? [effect.atMs - stamp.atMs] : []
  })
