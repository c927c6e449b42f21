import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { HostEvent } from '../../../src/bot/host/wire.ts'
import {
  countUp,
  familyOf,
  type Listener,
  listen,
  type Run,
  runsHeard,
  writeStaircase,
} from '../../support/bot-room.ts'
import { eventually } from '../../support/eventually.ts'
import { isAlive, type Running, roomtone, startRoomtone } from '../../support/roomtone.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { enter, newPerson, type Person, type Stay } from '../client/people.ts'

// Ana's bot hosts; Omar listens. What was heard is a staircase of tones that tells the place in it.
const folder = mkdtempSync(join(tmpdir(), 'roomtone-host-'))
writeStaircase(join(folder, 'stairs.wav'), { count: 400 })
let server: TestServer
let ana: Person
let omar: Person
let token: string
const stays: Stay[] = []
const bots: { running: Running; family: () => number[] }[] = []

beforeAll(async () => {
  server = await startTestServer({ media: 'project', settings: { roomsPerAccount: 50 } })
  ana = await newPerson(server, 'Ana')
  omar = await newPerson(server, 'Omar')
  token = (await ana.api.call('createToken', { body: { name: 'Host' } })).token
})
afterEach(async () => {
  const left = bots.flatMap(({ family }) => family())
  for (const { running } of bots.splice(0)) running.kill('SIGKILL')
  await Promise.all(stays.splice(0).map(({ session }) => session.close()))
  await eventually(() => !left.some(isAlive), { withinMs: 10_000, what: 'no process of a bot is left' })
})
afterAll(async () => {
  await Promise.all([ana?.api.close(), omar?.api.close()])
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const host = (name: string, script: string, home = join(folder, name)) => {
  mkdirSync(home, { recursive: true })
  const file = join(folder, `${name}.session.yaml`)
  const room = script.startsWith('room:') ? '' : `room: {title: ${name}}\n`
  writeFileSync(file, `session: ${name}\n${room}${script}`)
  const env = { ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token }
  const running = startRoomtone(['bot', 'run', file, '--now', '--jsonl'], { home, env })
  bots.push({ running, family: () => familyOf(running.pid) })
  return { running, home, file }
}
const events = (bot: Running) => bot.events<HostEvent>()
const says = <T extends HostEvent['type']>(bot: Running, type: T, { withinMs = 15_000, after = 0 } = {}) =>
  eventually(
    () => {
      const found = events(bot)
        .slice(after)
        .find((event) => event.type === type)
      if (!found) throw new Error(`${JSON.stringify(events(bot).slice(-4))} ${bot.stderr()}`)
      return found as Extract<HostEvent, { type: T }>
    },
    { withinMs, what: `the host says "${type}"` },
  )
const roomOf = async (bot: Running) => ana.api.call('showRoom', { params: { roomId: (await says(bot, 'room')).room } })
const childOf = (bot: Running) => familyOf(bot.pid).find((pid) => pid !== bot.pid)!
const hearMore = async (ears: Listener, ms: number) => {
  const before = ears.soundedMs()
  await eventually(() => ears.soundedMs() >= before + ms, { withinMs: 15_000, what: `${ms} ms more are heard` })
}
/** Without the scraps where sound breaks off or begins: a window of noise may look like any step. */
const soundRuns = (ears: Listener) => runsHeard(ears.heard()).filter(({ ms }) => ms >= 80)
/** By this machine's clock, when the staircase's first step would have been heard; it begins anew every 4 s. */
const beginOf = (ears: Listener, run: Run) => (ears.clockAt(run.stepAtMs!) - run.to * 100) % 4000
const longest = (runs: Run[]) => runs.toSorted((a, b) => b.ms - a.ms)
const apart = (a: number, b: number) => Math.min(...[-4000, 0, 4000].map((turn) => Math.abs(a - b + turn)))

const stairs = 'cues: [{at: 0:00, play: stairs.wav}]\n'

it('rejoins by the clock where it should be when its process is killed, and the log has one row', async () => {
  const { running, home } = host('clock', `${stairs}when: {crash: clock}\n`)
  const ears = await listen(omar, await roomOf(running))
  stays.push(ears)
  await hearMore(ears, 3000)
  const after = events(running).length
  process.kill(childOf(running), 'SIGKILL')
  const killedAt = performance.now()
  await says(running, 'on-air', { after })
  expect(performance.now() - killedAt).toBeLessThan(5000)
  await hearMore(ears, 2000)
  const [one, two] = longest(soundRuns(ears)).slice(0, 2)
  expect(apart(beginOf(ears, two!), beginOf(ears, one!))).toBeLessThan(100)
  running.kill('SIGINT')
  expect(await running.ended).toMatchObject({ code: 130 })
  const log = await roomtone(['bot', 'log', 'clock', '--json'], { home })
  expect(JSON.parse(log.stdout).rows).toMatchObject([{ cue: 'play-1', reason: 'stop' }])
})

it('takes up by place with nothing skipped and at most 1.5 s repeated', async () => {
  const { running } = host('place', `${stairs}when: {crash: place}\n`)
  const ears = await listen(omar, await roomOf(running))
  stays.push(ears)
  await hearMore(ears, 2500)
  const after = events(running).length
  process.kill(childOf(running), 'SIGKILL')
  await says(running, 'on-air', { after })
  await hearMore(ears, 1500)
  const runs = soundRuns(ears)
  const heard = new Set(runs.flatMap(({ from, to }) => countUp(to - from + 1).map((step) => from + step)))
  const last = Math.max(...heard)
  expect(countUp(last).filter((step) => step >= runs[0]!.from && !heard.has(step))).toEqual([])
  for (const [index, run] of runs.entries())
    if (index > 0) expect(runs[index - 1]!.to - run.from).toBeLessThanOrEqual(15)
})

it('is commanded by a moderator through the server, and keeps their pause over a kill', async () => {
  const { running, home } = host('pause', stairs)
  const room = await roomOf(running)
  const ears = await listen(omar, room)
  stays.push(ears, await enter(ana, room))
  await hearMore(ears, 500)
  const bot = ears.session.state().participants.find(({ kind }) => kind === 'bot')!
  const command = (what: object) =>
    ana.api.call('commandProgram', { params: { roomId: room.id, who: bot.id }, body: { command: what as never } })
  expect(await command({ do: 'pause' })).toMatchObject({ ok: true, message: expect.stringMatching(/^Paused at 0:0/) })
  expect(await command({ do: 'goto', to: { cue: 'nothing' } })).toMatchObject({ ok: false, code: 'not-found' })
  const after = events(running).length
  process.kill(childOf(running), 'SIGKILL')
  await says(running, 'on-air', { after })
  await eventually(() => ears.session.state().room.playing?.isPaused === true, {
    withinMs: 5000,
    what: 'it is still paused',
  })
  const now = ears.session.state().participants.find(({ kind, isAway }) => kind === 'bot' && !isAway)!
  await ana.api.call('commandProgram', {
    params: { roomId: room.id, who: now.id },
    body: { command: { do: 'resume' } },
  })
  await hearMore(ears, 500)
  expect(JSON.parse(readFileSync(join(home, 'state/sessions/pause/journal.json'), 'utf8'))).toMatchObject({
    human: null,
  })
})

it('opens the floor: a hand is admitted, hears the bell, leaves the stage, and the next one comes', async () => {
  const { running } = host(
    'floor',
    'room: {title: floor, hands: off}\ncues: [{at: 0:01, floor: 20s, each: 4s}]\nend: 30s\n',
  )
  const room = await roomOf(running)
  const bo = await newPerson(server, 'Bo')
  const ears = await listen(omar, room)
  const other = await enter(bo, room)
  stays.push(ears, other)
  expect(room.hands).toBe('off')
  await says(running, 'floor-open')
  await eventually(() => ears.session.state().room.hands === 'everyone', { withinMs: 5000, what: 'hands are allowed' })
  await ears.session.command({ verb: 'hand' })
  await other.session.command({ verb: 'hand' })
  const roleOf = ({ session }: Stay) => session.state().you.role
  await eventually(() => roleOf(ears) === 'speaker', { withinMs: 5000, what: 'Omar is on stage' })
  expect(roleOf(other)).toBe('listener')
  await eventually(() => roleOf(other) === 'speaker', { withinMs: 15_000, what: 'Bo is on stage' })
  expect(roleOf(ears)).toBe('listener')
  expect(ears.soundedMs()).toBeGreaterThan(500)
  await bo.api.close()
})

it('stands by while another host is there, and takes over when that one dies', async () => {
  const first = host('twice', stairs)
  await says(first.running, 'on-air')
  const second = host('twice', stairs, first.home)
  await says(second.running, 'standby')
  const family = familyOf(first.running.pid)
  for (const pid of family) process.kill(pid, 'SIGKILL')
  const room = await says(second.running, 'room')
  expect(room.isTakenUp).toBe(true)
  await says(second.running, 'on-air')
})

it('stops when it is removed, with 8', async () => {
  const { running } = host('kick', stairs)
  const room = await roomOf(running)
  const stay = await enter(ana, room)
  stays.push(stay)
  await says(running, 'on-air')
  const bot = stay.session.state().participants.find(({ kind }) => kind === 'bot')!
  await stay.session.command({ verb: 'stage', action: 'kick', who: bot.id })
  expect(await running.ended).toMatchObject({ code: 8 })
  expect(events(running).at(-1)).toMatchObject({ type: 'ended', outcome: 'kicked' })
})
