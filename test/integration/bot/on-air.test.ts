import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AccessToken } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { HostEvent } from '../../../src/bot/host/wire.ts'
import { startSession } from '../../../src/client/session.ts'
import type { ProgramCommand } from '../../../src/protocol/program.ts'
import { familyOf, killFamily, listen, type Run, runsHeard, writeStaircase } from '../../support/bot-room.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { createToneEar, type HeardTone } from '../../support/heard-tones.ts'
import { API_KEY, API_SECRET } from '../../support/media-server.ts'
import { isAlive, type Running, startRoomtone } from '../../support/roomtone.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { toneOf } from '../../support/session-sound.ts'
import { startTestStation } from '../../support/station.ts'
import { wavBytes } from '../../support/wav-bytes.ts'
import { enter, newPerson, type Person } from '../client/people.ts'

// Ana's bots host, she commands them, others listen; what is on air is told by tones.
const [LOW, HIGH, GONG] = [500, 1200, 2500]
const TONES = [LOW, HIGH, GONG]
const folder = mkdtempSync(join(tmpdir(), 'roomtone-on-air-'))
const closing: (() => unknown)[] = []
let server: TestServer
let ana: Person
let env: Record<string, string>
/** Hosts the session `asked` alone. */
let bot: Running

beforeAll(async () => {
  server = await startTestServer({ media: 'project', settings: { roomsPerAccount: 50 } })
  ana = await person('Ana')
  const { token } = await ana.api.call('createToken', { body: { name: 'Host' } })
  env = { ROOMTONE_SERVER: server.url, ROOMTONE_TOKEN: token }
  for (const [hz, seconds] of [
    [LOW, 60],
    [HIGH, 60],
    [GONG, 1],
  ] as const)
    writeFileSync(join(folder, `${hz}.wav`), wavBytes(Buffer.from(toneOf(hz, seconds).buffer)))
  writeStaircase(join(folder, 'stairs.wav'), { count: 600 })
  bot = host('one', [write('asked', askedScript(HIGH))])
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const person = async (name: string) => {
  const made = await newPerson(server, name)
  closing.push(() => made.api.close())
  return made
}
const askedScript = (second: number) => `cues:
  - {name: low, play: ${LOW}.wav}
  - {name: high, play: ${second}.wav, loop: true, for: 1m}
  - {name: gong, at: manual, bell: ${GONG}.wav, gain: 6dB}
`
const write = (name: string, script: string) => {
  const file = join(folder, `${name}.session.yaml`)
  writeFileSync(file, `session: ${name}\nroom: {title: ${name}}\n${script}`)
  return file
}
const host = (home: string, args: string[], environment = env) => {
  mkdirSync(join(folder, home))
  const running = startRoomtone(['bot', 'run', ...args, '--now', '--jsonl'], {
    home: join(folder, home),
    env: environment,
    withinMs: 120_000,
  })
  closing.push(async () => {
    const family = familyOf(running.pid)
    killFamily(running.pid)
    await eventually(() => !family.some(isAlive), { withinMs: 10_000, what: 'no process of the bot is left' })
  })
  return running
}
const says = <T extends HostEvent['type']>(
  of: Running,
  session: string,
  type: T,
  { after = 0, withinMs = 20_000 } = {},
) =>
  eventually(
    () => {
      const found = of
        .events<HostEvent>()
        .slice(after)
        .find((event) => event.session === session && event.type === type)
      if (!found) throw new Error(`${JSON.stringify(of.events().slice(-4))} ${of.stderr()}`)
      return found as Extract<HostEvent, { type: T }>
    },
    { withinMs, what: `${session} says "${type}"` },
  )
/** The room of a session that is on air. */
const roomOf = async (of: Running, session: string) => {
  await says(of, session, 'on-air')
  return ana.api.call('showRoom', { params: { roomId: (await says(of, session, 'room')).room } })
}
const commander = async (of: Running, session: string) => {
  const { id: roomId } = await roomOf(of, session)
  const { participants } = await ana.api.call('listParticipants', { params: { roomId } })
  const who = participants.find(({ kind }) => kind === 'bot')!.id
  return (command: ProgramCommand) => ana.api.call('commandProgram', { params: { roomId, who }, body: { command } })
}
const hearTones = async (of: Running, session: string, name: string) => {
  const ear = createToneEar(TONES)
  const stay = await enter(await person(name), await roomOf(of, session), null, { sink: ear.sink })
  closing.push(() => stay.session.close())
  return { ...ear, session: stay.session }
}
const is = (hz: number | null) => (heard: HeardTone) => heard.hz === hz
const without = ({ session }: { session: { close(): Promise<void> } }) => session.close()

it('is heard within 300 ms to do what a moderator asks', async () => {
  const omar = await hearTones(bot, 'asked', 'Omar')
  const command = await commander(bot, 'asked')
  await omar.since(0, (heard) => heard.hz === LOW && heard.db > -20)
  const takenMs: number[] = []
  const ask = async (wanted: ProgramCommand, isSo: (heard: HeardTone) => boolean) => {
    const fromMs = performance.now()
    const answer = command(wanted)
    const { atMs } = await omar.since(fromMs, isSo, { what: JSON.stringify(wanted) })
    expect(await answer).toMatchObject({ ok: true })
    takenMs.push(atMs - fromMs)
  }
  for (let round = 0; round < 2; round++) {
    await ask({ do: 'level', of: 'voice', db: -12 }, (heard) => heard.hz === LOW && heard.db < -26)
    await ask({ do: 'level', of: 'voice', db: 0 }, (heard) => heard.hz === LOW && heard.db > -20)
    await ask({ do: 'pause' }, is(null))
    await ask({ do: 'resume' }, is(LOW))
    await ask({ do: 'skip' }, is(HIGH))
    await ask({ do: 'cue', name: 'gong' }, is(GONG))
    await omar.since(performance.now(), is(HIGH))
    await ask({ do: 'goto', to: { cue: 'low' } }, is(LOW))
  }
  // All are heard; a busy machine may hold up some of them.
  expect(takenMs.toSorted((a, b) => a - b)[takenMs.length / 2]).toBeLessThan(300)
  await without(omar)
})

it.concurrent('takes up a script that was changed from the next cue on, and a broken one not at all', async () => {
  const rea = await hearTones(bot, 'asked', 'Rea')
  const command = await commander(bot, 'asked')
  for (const [script, problem] of [
    ['cues: [{play: low.wav}', /asked\.session\.yaml:3:/],
    ['cues: [{play: nothing.wav}]', /asked\.session\.yaml:3:15: There is no file/],
    [askedScript(GONG), null],
  ] as const) {
    const after = bot.events().length
    write('asked', script)
    const said = await says(bot, 'asked', problem ? 'warning' : 'reloaded', { after })
    if (problem) expect(said).toMatchObject({ message: expect.stringMatching(problem) })
    await rea.since(performance.now(), is(LOW))
  }
  await command({ do: 'skip' })
  await rea.since(performance.now(), is(GONG))
  await without(rea)
})

const several = async () => {
  const station = await startTestStation({ hz: LOW, title: 'Ana - Low' }, TONES)
  closing.push(station.close)
  const scripts = {
    shift: 'cues: [{at: 0:00, play: stairs.wav}]\nwhen: {late: shift}\n',
    clock: 'cues: [{at: 0:00, play: stairs.wav}]\nwhen: {late: clock}\n',
    radio: `cues: [{play: "${station.url}", for: 1m}]\n`,
    empty: `cues: [{name: ask, floor: 30s, without-moderator: skip}, {play: ${LOW}.wav}]\nwhen: {empty: pause}\n`,
  }
  return {
    station,
    hosts: host(
      'many',
      Object.entries(scripts).map(([name, script]) => write(name, script)),
    ),
  }
}
let many: ReturnType<typeof several> | undefined
/** Four sessions in one process. */
const hostMany = () => {
  many ??= several()
  return many
}

// Less than the 20 steps by which a jump is told.
const PAUSED_MS = 1200

it.concurrent('goes on after a pause where it was, or where the clock is, as the script says', async () => {
  const { hosts } = await hostMany()
  const heard = async (session: string) => {
    const ears = await listen(await person(session), await roomOf(hosts, session))
    closing.push(() => ears.session.close())
    const command = await commander(hosts, session)
    const hearMore = (ms: number) => {
      const before = ears.soundedMs()
      return eventually(() => ears.soundedMs() >= before + ms, { withinMs: 15_000, what: `${ms} ms more` })
    }
    await hearMore(1000)
    const after = hosts.events().length
    await command({ do: 'pause' })
    await sleep(PAUSED_MS)
    await command({ do: 'resume' })
    await hearMore(1000)
    await without(ears)
    const paused = await says(hosts, session, 'paused', { after })
    const resumed = await says(hosts, session, 'resumed', { after })
    const offMs = Date.parse(resumed.at) - Date.parse(paused.at)
    return { offMs, onMs: resumed.programMs - paused.programMs, passedSteps: passedIn(runsHeard(ears.heard())) }
  }
  const [shift, clock] = await Promise.all([heard('shift'), heard('clock')])
  expect(shift.onMs).toBe(0)
  expect(clock.onMs).toBeGreaterThan(clock.offMs - 300)
  // By sound: a pause has 12 steps; half of them is what a busy machine may tear.
  expect(shift.passedSteps).toBeLessThan(7)
  expect(clock.passedSteps).toBeGreaterThan(7)
})

it.concurrent('skips a floor where no moderator is, waits while nobody is there, and goes on for who comes', async () => {
  const { hosts } = await hostMany()
  await says(hosts, 'empty', 'floor-skipped')
  const { programMs } = await says(hosts, 'empty', 'paused')
  const eve = await hearTones(hosts, 'empty', 'Eve')
  await eve.since(0, is(LOW))
  expect(await says(hosts, 'empty', 'resumed')).toMatchObject({ programMs })
  await without(eve)
})

it.concurrent('plays a station, tells its titles within a second, and has it back after a stall', async () => {
  const { station, hosts } = await hostMany()
  const rob = await hearTones(hosts, 'radio', 'Rob')
  const { id } = await roomOf(hosts, 'radio')
  const playing = () => rob.session.state().room.playing
  await rob.since(0, is(LOW))
  await eventually(() => playing()?.title === 'Low' && playing()?.artist === 'Ana', {
    withinMs: 5000,
    what: 'its first title',
  })
  const requests = station.requests()
  station.play({ hz: HIGH, title: 'Bob - High' })
  const { atMs } = await rob.since(0, is(HIGH), { withinMs: 15_000 })
  await eventually(() => playing()?.title === 'High', { withinMs: 1000, what: 'its title in the room' })
  const listed = async () => (await ana.api.call('listRooms')).rooms.find((room) => room.id === id)?.playing?.title
  await eventually(async () => (await listed()) === 'High', {
    withinMs: Math.max(200, atMs + 1000 - performance.now()),
    what: 'its title in the hallway',
  })
  station.play({ hz: GONG, title: 'Cy - Back' })
  station.stall()
  const stalledMs = performance.now()
  await rob.since(stalledMs, is(null), { withinMs: 15_000 })
  await rob.since(stalledMs, is(GONG), { withinMs: 15_000 })
  expect(station.requests()).toBe(requests + 1)
  expect(await says(hosts, 'radio', 'warning')).toMatchObject({ message: expect.stringContaining('broke off') })
  await eventually(() => playing()?.title === 'Back', { withinMs: 1000, what: 'its title' })
  await without(rob)
})

it.concurrent('hosts in a LiveKit room with its own calendar, and is heard again when its process hangs', async () => {
  const access = async (identity: string) => {
    const token = new AccessToken(API_KEY, API_SECRET, { identity })
    token.addGrant({ roomJoin: true, room: 'alone' })
    return { url: server.url.replace('http', 'ws'), token: await token.toJwt() }
  }
  const { url, token } = await access('bot')
  writeFileSync(join(folder, 'token'), token)
  const [http, told] = [`127.0.0.1:${await freePort()}`, join(folder, 'told.jsonl')]
  const file = write(
    'alone',
    `schedule: {start: 2027-03-01T07:00, zone: Europe/Berlin, rule: FREQ=DAILY}
cues: [{play: ${LOW}.wav}]
alerts: [{on: [dead-air], command: [sh, -c, "cat >> ${told}"]}]
`,
  )
  const own = host('alone', [file, '--url', url, '--token', `@${join(folder, 'token')}`, '--http', http], {})
  await says(own, 'alone', 'on-air')
  const ear = createToneEar(TONES)
  const session = startSession({ target: await access('listener'), source: null, sink: ear.sink, isDevice: false })
  closing.push(() => session.close())
  await ear.since(0, is(LOW), { withinMs: 10_000 })
  const calendar = await (await fetch(`http://${http}/calendar.ics`)).text()
  expect(calendar).toMatch(/DTSTART;TZID=Europe\/Berlin:20270301T070000\r\n[\s\S]*RRULE:FREQ=DAILY/)
  process.kill(familyOf(own.pid).find((pid) => pid !== own.pid)!, 'SIGSTOP')
  const alerts = () =>
    readFileSync(told, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  await eventually(() => alerts().length === 2, {
    withinMs: 40_000,
    what: 'it is told when it begins and when it is over',
  })
  expect(alerts()).toMatchObject([{ state: 'began' }, { state: 'over' }])
  await ear.since(performance.now(), is(LOW))
  const { problems } = (await (await fetch(`http://${http}/health`)).json()) as { problems: unknown[] }
  expect(problems).toEqual([])
})

/** Steps of a staircase that were passed over. */
const passedIn = (all: Run[]) => {
  const runs = all.filter(({ ms }) => ms >= 80)
  const passed = runs.map(({ from }, index) => (index === 0 ? 0 : Math.max(0, from - runs[index - 1]!.to - 1)))
  return passed.reduce((sum, steps) => sum + steps, 0)
}
