import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { BotEvent } from '../../src/bot/wire.ts'
import { enter, newPerson, openRoom, type Person, type Stay } from '../integration/client/people.ts'
import { botSays, familyOf, listen, writeStaircase } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { isAlive, type Running, roomtone, startRoomtone } from '../support/roomtone.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Ana moderates; one bot is hers and comes on stage, one is Omar's and has to ask.
const folder = mkdtempSync(join(tmpdir(), 'roomtone-conduct-'))
const file = writeStaircase(join(folder, 'long.wav'), { count: 300 })
let server: TestServer
let ana: Person
let omar: Person
let hers: string
let his: string
const stays: Stay[] = []
const bots: { running: Running; family: number[] }[] = []

beforeAll(async () => {
  server = await startTestServer({ media: 'project', settings: { roomsPerAccount: 50 } })
  ana = await newPerson(server, 'Ana')
  omar = await newPerson(server, 'Omar')
  hers = (await ana.api.call('createToken', { body: { name: 'Hers' } })).token
  his = (await omar.api.call('createToken', { body: { name: 'His' } })).token
})
afterEach(async () => {
  for (const { running } of bots) running.kill('SIGKILL')
  await Promise.all(stays.splice(0).map(({ session }) => session.close()))
  const left = () => bots.flatMap(({ family }) => family).filter(isAlive)
  await eventually(() => left().length === 0, { withinMs: 10_000, what: 'no process of a bot is left' })
  bots.splice(0)
})
afterAll(async () => {
  await Promise.all([ana?.api.close(), omar?.api.close()])
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const env = (token: string) => ({ ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token })
const open = async (title: string) => {
  const room = await openRoom(ana, title)
  const host = await enter(ana, room)
  stays.push(host)
  const stage = (action: string, who: string) => host.session.command({ verb: 'stage', action, who })
  const find = (name: string) => host.session.state().participants.find((one) => one.name === name)
  return { room, host, stage, find }
}
const play = (roomId: string, token: string, ...args: string[]) => {
  const running = startRoomtone(['bot', 'play', file, '--room', roomId, '--jsonl', ...args], {
    home: folder,
    env: env(token),
  })
  const bot = { running, family: [running.pid] }
  bots.push(bot)
  // Its child is there once it says anything.
  running.child.stdout!.on('data', () => {
    bot.family = [...new Set([...bot.family, ...familyOf(running.pid)])]
  })
  return running
}
const count = (bot: Running) => bot.events<BotEvent>().length

it('pauses while muted or off stage, and goes on where it was when it may', async () => {
  const { room, stage, find } = await open('Manners')
  const ears = await listen(omar, room)
  stays.push(ears)
  const bot = play(room.id, hers, '--name', 'Player')
  await botSays(bot, 'progress')
  const who = find('Player')!.id
  for (const [take, cause, give] of [
    ['mute', 'muted by a moderator', 'allow'],
    ['demote', 'taken off the stage', 'invite'],
  ] as const) {
    let after = count(bot)
    await stage(take, who)
    expect(await botSays(bot, 'paused', { after })).toMatchObject({ cause })
    after = count(bot)
    await stage(give, who)
    await botSays(bot, 'resumed', { after })
    await botSays(bot, 'progress', { after })
  }
  bot.kill('SIGTERM')
  await bot.ended
  expect(bot.events<BotEvent>().filter(({ type }) => type === 'warning')).toEqual([])
})

it('ends with 8 when it is removed', async () => {
  const { room, stage, find } = await open('Kick')
  const bot = play(room.id, hers, '--name', 'Player')
  await botSays(bot, 'on-air')
  await stage('kick', find('Player')!.id)
  expect(await bot.ended).toMatchObject({ code: 8 })
  expect(bot.events<BotEvent>().at(-1)).toMatchObject({ type: 'left', reason: 'kicked' })
})

it('ends with 8 when the room ends', async () => {
  const { room, host } = await open('End')
  const bot = play(room.id, hers)
  await botSays(bot, 'on-air')
  await host.session.command({ verb: 'end-room' })
  expect(await bot.ended).toMatchObject({ code: 8 })
  expect(bot.events<BotEvent>().at(-1)).toMatchObject({ type: 'left', reason: 'room-ended' })
})

it('raises its hand where its owner does not moderate, and plays when it is admitted', async () => {
  const { room, host, stage } = await open('Hand')
  const bot = play(room.id, his, '--wait', '20s')
  expect(await botSays(bot, 'waiting')).toMatchObject({ forMs: 20_000 })
  const hand = await eventually(() => host.session.state().hands[0], { withinMs: 5_000, what: 'its hand is up' })
  await stage('admit', hand!.participantId)
  await botSays(bot, 'on-air')
  await botSays(bot, 'progress')
  bot.kill('SIGINT')
  expect(await bot.ended).toMatchObject({ code: 130 })
})

it('gives up with 5 when nobody lets it on stage in time', async () => {
  const { room } = await open('Ignored')
  const bot = play(room.id, his, '--wait', '2s')
  expect(await bot.ended).toMatchObject({ code: 5 })
  expect(bot.events<BotEvent>().at(-1)).toMatchObject({ type: 'left', code: 'not-allowed' })
})

it('leaves no process behind when it is killed', async () => {
  const { room, find } = await open('Killed')
  const bot = play(room.id, hers, '--name', 'Player')
  await botSays(bot, 'progress')
  expect(bots.at(-1)!.family.length).toBeGreaterThan(1)
  bot.kill('SIGKILL')
  await bot.ended
  await eventually(() => find('Player') === undefined, { withinMs: 10_000, what: 'it has left the room' })
})

it('says in one sentence what cannot be played, before it joins', async () => {
  const { room, host } = await open('Files')
  const text = join(folder, 'text.wav')
  writeFileSync(text, 'no sound in here')
  const ran = (path: string) => roomtone(['bot', 'play', path, '--room', room.id], { home: folder, env: env(hers) })
  const missing = await ran(join(folder, 'nowhere.wav'))
  expect(missing).toMatchObject({ code: 6, stdout: '' })
  expect(missing.stderr.trim().split('\n')).toHaveLength(1)
  const words = await ran(text)
  expect(words).toMatchObject({ code: 2, stdout: '' })
  expect(words.stderr.trim().split('\n')).toHaveLength(1)
  expect(
    await roomtone(['bot', 'play', file, '--room', room.id, '--wait', 'soon'], { home: folder, env: env(hers) }),
  ).toMatchObject({ code: 2 })
  expect(host.events.filter(({ type }) => type === 'participant-joined')).toEqual([])
})
