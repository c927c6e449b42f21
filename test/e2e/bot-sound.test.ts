import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { levelDb } from '../../src/audio/level.ts'
import { createLoudnessMeter } from '../../src/audio/loudness.ts'
import type { BotEvent } from '../../src/bot/wire.ts'
import { newPerson, openRoom, type Person } from '../integration/client/people.ts'
import { botSays, countUp, type Listener, listen, runsHeard, writeStaircase } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { roomtone, startRoomtone } from '../support/roomtone.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { sine } from '../support/signals.ts'
import { wavBytes } from '../support/wav-bytes.ts'

// Ana's bot plays into Ana's room; Omar listens, and what comes out of his speaker is what counts.
const folder = mkdtempSync(join(tmpdir(), 'roomtone-bot-'))
let server: TestServer
let ana: Person
let omar: Person
let env: Record<string, string>
const listeners: Listener[] = []

beforeAll(async () => {
  server = await startTestServer({ media: 'project', settings: { roomsPerAccount: 50 } })
  ana = await newPerson(server, 'Ana')
  omar = await newPerson(server, 'Omar')
  const { token } = await ana.api.call('createToken', { body: { name: 'Player' } })
  env = { ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token }
})
afterEach(async () => {
  for (const { session } of listeners.splice(0)) await session.close()
})
afterAll(async () => {
  await Promise.all([ana?.api.close(), omar?.api.close()])
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const omarListens = async (title: string, channels: 1 | 2 = 1) => {
  const room = await openRoom(ana, title)
  const ears = await listen(omar, room, channels)
  listeners.push(ears)
  return { room, ears }
}
const play = (files: string[], ...args: string[]) =>
  startRoomtone(['bot', 'play', ...files, '--jsonl', ...args], { home: folder, env })

const lufs = (samples: Int16Array, channels: 1 | 2) => {
  const meter = createLoudnessMeter({ channels })
  meter.push(samples)
  return meter.result().integratedLufs
}

it('plays two files of unlike format and loudness without a gap and equally loud', async () => {
  const { room, ears } = await omarListens('Loudness', 2)
  const mp3 = fileURLToPath(new URL('../support/fixtures/tone.mp3', import.meta.url))
  const quiet = join(folder, 'quiet.wav')
  const faint = sine({ hz: 1000, ms: 3000, levelDb: -45, sampleRate: 44_100 })
  writeFileSync(quiet, wavBytes(Buffer.from(faint.buffer), { sampleRate: 44_100 }))
  const bot = play([mp3, quiet], '--room', room.id)
  expect(await bot.ended).toMatchObject({ code: 0, stderr: '' })

  const heard = ears.heard()
  const perMs = 2 * 48
  const isLoud = (ms: number) => levelDb(heard.subarray(ms * perMs, (ms + 10) * perMs)) > -40
  const tens = countUp(Math.floor(heard.length / perMs / 10)).map((n) => n * 10)
  const startMs = tens.find(isLoud)!
  const endMs = tens.findLast(isLoud)! + 10
  // A machine out of breath may stretch it, never cut it.
  expect(endMs - startMs).toBeGreaterThan(5_950)
  expect(endMs - startMs).toBeLessThan(7_000)
  const loudness = (fromMs: number, toMs: number) => lufs(heard.slice(fromMs * perMs, toMs * perMs), 2)
  expect(Math.abs(loudness(startMs + 200, startMs + 2_800) + 18)).toBeLessThan(1)
  expect(Math.abs(loudness(endMs - 2_800, endMs - 200) + 18)).toBeLessThan(1)
})

it('is heard from its first tenth of a second to its last by one who was there before', async () => {
  const { room, ears } = await omarListens('Whole')
  const files = [
    writeStaircase(join(folder, 'one.wav'), { count: 25 }),
    writeStaircase(join(folder, 'two.wav'), { from: 25, count: 25 }),
  ]
  const bot = play(files, '--room', room.id, '--name', 'Player')
  expect(await bot.ended).toMatchObject({ code: 0, stderr: '' })
  const runs = runsHeard(ears.heard())
  expect(runs).toMatchObject([{ from: 0, to: 49 }])
  expect(runs[0]!.ms).toBeGreaterThan(4_850)
  expect(runs[0]!.ms).toBeLessThan(6_000)

  const events = bot.events<BotEvent>()
  expect(events[0]).toMatchObject({ type: 'joined', title: 'Whole', name: 'Player', role: 'speaker' })
  expect(events[1]).toMatchObject({ type: 'on-air' })
  expect(events.at(-1)).toMatchObject({ type: 'left', reason: 'done', code: null })
  const progress = events.filter((event) => event.type === 'progress')
  expect(progress.length).toBeGreaterThanOrEqual(3)
  expect(progress[0]).toMatchObject({ file: 'one.wav', index: 0, durationMs: 2500, listeners: 1 })
  expect(progress.at(-1)).toMatchObject({ file: 'two.wav', index: 1 })
})

it('begins again after the end with --loop, until Ctrl+C', async () => {
  const { room, ears } = await omarListens('Loop')
  const bot = play([writeStaircase(join(folder, 'round.wav'), { count: 40 })], '--room', room.id, '--loop')
  await botSays(bot, 'on-air')
  // What is heard is looked at when all is over: looking takes so long that the ear would stutter.
  await eventually(() => bot.events<BotEvent>().filter(({ type }) => type === 'progress').length > 6, {
    withinMs: 20_000,
    what: 'the second round plays',
  })
  bot.kill('SIGINT')
  expect(await bot.ended).toMatchObject({ code: 130 })
  const runs = runsHeard(ears.heard())
  expect(runs).toMatchObject([{ from: 0 }])
  expect(runs[0]!.to).toBeGreaterThan(41)
})

it('shows its progress in words, and as much of broken audio as there is', async () => {
  const { room } = await omarListens('Words')
  const broken = join(folder, 'broken.wav')
  const tone = sine({ hz: 440, ms: 1500 })
  writeFileSync(broken, wavBytes(Buffer.from(tone.buffer), { declaredBytes: 480_000 }))
  const ran = await roomtone(['bot', 'play', broken, '--room', 'Words'], { home: folder, env })
  expect(ran).toMatchObject({ code: 0 })
  expect(ran.stdout).toMatch(/^Player is in "Words" as speaker\nOn air\nDone; you left the room\.\n$/)
  expect(ran.stderr).toMatch(/broken\.wav {2}0:0\d of 0:0\d {2}1 listening/)
  expect(ran.stderr).toMatch(/warning: .*broken\.wav/)
  expect(room.title).toBe('Words')
})
