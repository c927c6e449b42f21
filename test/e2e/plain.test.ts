import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SeatState } from '../../src/protocol/seat.ts'
import { newsKinds } from '../../src/tui/lines/kinds.ts'
import { eventually } from '../support/eventually.ts'
import { onPty, openPty, type Pty, ptyMissing } from '../support/pty.ts'
import {
  cleanEnvironment,
  login,
  type Running,
  roomtone,
  roomtoneBin,
  startRoomtone,
  throwawayHome,
} from '../support/roomtone.ts'
import { buildTuiHarness } from '../support/tui.ts'

// Ana is new here and works by lines on a terminal; Omar by lines on a pipe, and in one room his microphone is a tone.
describe.skipIf(ptyMissing)('line mode', () => {
  let place: ReturnType<typeof throwawayHome>
  const open: (Pty | { close: () => void })[] = []
  const ended: Promise<unknown>[] = []
  beforeAll(async () => {
    place = throwawayHome()
    for (const device of ['microphone', 'speaker']) await run('config', 'set', device, 'none')
  })
  afterEach(async () => {
    for (const one of open.splice(0)) one.close()
    await Promise.all(ended.splice(0))
  })
  afterAll(() => place.close())

  const run = (...args: string[]) => roomtone(args, { home: place.home })
  const terminal = (args: string[], env: Record<string, string> = {}): Pty => {
    const pty = onPty(args, { home: place.home, env })
    open.push(pty)
    ended.push(pty.exited)
    return pty
  }
  const pipe = (...args: string[]) => pipeIn(place.home, ...args)
  const pipeIn = (cwd: string, ...args: string[]) => {
    const running = startRoomtone(args, { home: place.home, cwd })
    open.push({ close: () => running.kill('SIGTERM') })
    ended.push(running.ended)
    return { ...running, says: saying(running) }
  }
  const saying = (running: Running) => {
    let seen = 0
    return (text: string) =>
      eventually(
        () => {
          const at = running.stdout().indexOf(text, seen)
          if (at < 0) throw new Error(`${running.stdout().slice(seen)} ${running.stderr()}`)
          seen = at + text.length
          return true
        },
        { withinMs: 15_000, what: `said: ${text}` },
      )
  }
  const seats = async (): Promise<SeatState> => JSON.parse((await run('status', '--json')).stdout)

  it('takes a new user from sign-in through a room with hands, stage and moderation, and back to the hallway', async () => {
    const ana = terminal(['--plain'])
    // A server starts first.
    await ana.sees('Sign in with your phone number.', 60_000)
    ana.type('+49 151 12345670')
    const code = /the code is (\d+)\./.exec(await ana.sees(/the code is \d+\./))![1]!
    await ana.sees('How shall others call you?')
    ana.type('Ana')
    await ana.sees('Type the code')
    ana.type('000000')
    await ana.sees('not the code')
    ana.type(code)
    await ana.sees('You are in the hallway as Ana, @ana.')
    await ana.sees('No room is live.')
    ana.type('create Morning sit')
    await ana.sees('You are in Morning sit as a moderator; 1 person here.')

    await login(place.home, '+4915112345671', 'Omar', 'omar')
    const folder = join(place.home, 'omar')
    mkdirSync(folder)
    writeFileSync(join(folder, 'roomtone.yaml'), 'microphone: tone:440\n')
    const omar = pipeIn(folder, '--plain', '--profile', 'omar')
    /** What arrives of Omar, as Ana is told when she asks. */
    const levels = (wanted: RegExp) =>
      eventually(
        async () => {
          ana.type('levels')
          const said = await ana.sees(/Omar speaks at -\d+ dB\.|Nobody is speaking\./)
          if (!wanted.test(said)) throw new Error(said)
          return true
        },
        { withinMs: 5_000, everyMs: 200, what: `levels say ${wanted}` },
      )
    const isHeard = () => levels(/Omar speaks at -(19|20|21) dB\./)
    const isSilent = () => levels(/Nobody is speaking\./)
    await omar.says('1. Morning sit, by Ana, 1 on stage, 0 listening.')
    omar.write('1\n')
    await omar.says('as a listener; 2 people here.')
    omar.write('hand How long?\n')
    await ana.sees('Omar raised a hand, first in line: How long?')
    ana.type('who omar')
    await ana.sees('Omar, @omar: in the audience, hand up.')
    ana.type('admit @omar')
    await omar.says('You are on stage.')
    await ana.sees('Omar is on stage now.')
    // A tone is open as soon as one may speak.
    await isHeard()
    ana.type('mute @omar')
    await omar.says('A moderator muted you.')
    await isSilent()
    ana.type('allow @omar')
    await omar.says('You may speak again.')
    omar.write('unmute\n')
    await isHeard()
    ana.type('demote @omar')
    await omar.says('You are back in the audience.')
    await isSilent()
    ana.type('invite @omar')
    await omar.says('Ana invites you to speak')
    omar.write('accept\n')
    await omar.says('You are on stage.')
    await isHeard()
    ana.type('kick @omar')
    await ana.sees('Remove Omar? They cannot come back. yes does it')
    ana.type('no')
    await ana.sees('Nothing was done.')
    ana.type('kick @omar')
    await ana.sees('yes does it')
    ana.type('yes')
    await omar.says('You were removed by Ana.')
    await omar.says('You are in the hallway as Omar')
    omar.write('quit\n')
    expect((await omar.ended).code).toBe(0)

    ana.type('leave')
    await ana.sees('leaving ends Morning sit for everyone. Leave? yes does it')
    ana.type('no')
    await ana.sees('Nothing was done.')
    ana.type('end')
    await ana.sees('End Morning sit for everyone? yes does it')
    ana.type('yes')
    await ana.sees('You ended the room.')
    await ana.sees('You are in the hallway as Ana')
    ana.type('quit')
    expect(await ana.exited).toBe(0)
    expect(drawn(ana.written())).toEqual([])
  })

  it('changes to the full screen and back within a second on the same seat, from a room and from the hallway', async () => {
    const ana = terminal(['--plain'])
    await ana.sees('No room is live.')
    ana.type('create Noon')
    await ana.sees('You are in Noon as a moderator')
    const before = await seats()
    for (let round = 0; round < 2; round += 1) {
      ana.type('screen')
      await ana.sees(/On stage[\s\S]*NO MICROPHONE/, 1_000)
      ana.press('\u000f')
      await ana.sees('Noon: just started, 1 person here', 1_000)
    }
    ana.type('now')
    await ana.sees('Nobody is speaking.')
    const { seatId, pid, connection } = await seats()
    expect({ seatId, pid, connection }).toEqual({
      seatId: before.seatId,
      pid: before.pid,
      connection: { status: 'live' },
    })
    ana.type('screen')
    await ana.sees('NO MICROPHONE')
    ana.press('L')
    await ana.sees('leave and end it')
    ana.press('y')
    await ana.sees('Nobody is talking yet')
    ana.press('\u000f')
    await ana.sees('You are in the hallway as Ana', 1_000)
    ana.press('\u0004')
    await ana.sees('Quit?')
    ana.press('\u0004')
    expect(await ana.exited).toBe(0)
  })

  it('asks once after Ctrl+D on a terminal, and stays at the end of a pipe', async () => {
    const room = JSON.parse((await run('room', 'create', 'Evening', '--json')).stdout)
    const ana = terminal(['join', room.id, '--plain'])
    await ana.sees('You are in Evening')
    ana.press('\u0004')
    await ana.sees('leaving ends Evening for everyone. Leave? Ctrl+D again or yes leaves')
    ana.type('now')
    await ana.sees('Nothing was done.')
    await ana.sees('Nobody is speaking.')

    const omar = pipe('join', room.id, '--plain', '--profile', 'omar')
    omar.endInput()
    await omar.says('as a listener')
    await eventually(async () => (await run('room', 'show', room.id, '--plain')).stdout.includes('listening: 1'), {
      withinMs: 5_000,
      what: 'a listener whose input has ended',
    })
    ana.press('\u0004')
    await ana.sees('Ctrl+D again')
    ana.press('\u0004')
    await ana.sees('You left the room.')
    expect(await ana.exited).toBe(0)
    await omar.says('Ana ended the room.')
    expect((await omar.ended).code).toBe(8)
  })

  it('ends in order when its terminal is gone', async () => {
    const [code, errors] = [join(place.home, 'code'), join(place.home, 'errors')]
    // The shell outlives the terminal, to tell how the program ended.
    const told = `${process.execPath} ${roomtoneBin} --plain 2>${errors}; echo $? >${code}`
    const ana = openPty(['sh', '-c', `trap "" HUP; ${told}`], { ...cleanEnvironment(), ROOMTONE_HOME: place.home })
    open.push(ana)
    ended.push(ana.exited)
    await ana.sees('You are in the hallway as Ana')
    ana.hangUp()
    await ana.exited
    const exit = await eventually(() => existsSync(code) && readFileSync(code, 'utf8').trim(), {
      withinMs: 10_000,
      what: 'how it ended',
    })
    expect({ exit, errors: readFileSync(errors, 'utf8') }).toEqual({ exit: '130', errors: '' })
  })

  it('is there by itself on a dumb terminal, on a pipe and by config, and remembers what is said', async () => {
    const dumb = terminal([], { TERM: 'dumb' })
    await dumb.sees('You are in the hallway as Ana')
    dumb.type('screen')
    await dumb.sees('This terminal cannot show the full screen.')
    dumb.type('say rooms on')
    await dumb.sees('rooms is said by itself.')
    dumb.type('say pull')
    await dumb.sees('Lines wait until you press Enter.')
    dumb.type('quit')
    expect(await dumb.exited).toBe(0)
    expect((await run('config', 'get', 'say')).stdout.trim()).toBe('stage,hands,room,rooms,pull')
    await run('config', 'set', 'say', 'stage,hands,room')
    const told = await roomtone([], { home: place.home, stdin: 'rooms\n' })
    expect(told).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/as Ana[\s\S]*live[\s\S]*live/),
    })
    const silent = pipe()
    await silent.says('You are in the hallway as Ana')
    silent.write('quit\n')
    expect((await silent.ended).code).toBe(0)
    await run('config', 'set', 'say', 'stage,hands,room,rooms,pull')
    await run('config', 'set', 'face', 'plain')
    const held = terminal([])
    await held.sees('You are in the hallway as Ana')
    const opened = JSON.parse((await run('room', 'create', '▌Midnight ⠿', '--json')).stdout)
    await run('room', 'end', opened.id)
    expect(held.written()).not.toContain('Midnight')
    const pulled = () => {
      held.type('')
      return held.written().includes('Midnight has ended.') || held.written()
    }
    await eventually(() => pulled() === true, { withinMs: 10_000, everyMs: 200, what: 'what was held' })
    held.type('again 2')
    await held.sees(/Ana opened Midnight\.\r\nMidnight has ended\.[\s\S]*Ana opened Midnight\.\r\nMidnight has ended\./)
    held.press('\u0003')
    expect(await held.exited).toBe(130)
    expect(drawn(held.written())).toEqual([])
  })
})

describe.skipIf(ptyMissing)('line mode in a crowd, on a terminal', () => {
  it('makes few lines of 1,000 who join while three take turns, with every kind on, and tells an invitation at once', async () => {
    const harness = await buildTuiHarness()
    const socket = join(harness.folder, 'crowd.sock')
    const pty = openPty([process.execPath, harness.entry, socket, 'lines-listener'], {
      PATH: process.env.PATH,
      HOME: harness.folder,
    })
    try {
      const world = await eventually(() => connectTo(socket), { withinMs: 15_000, what: 'the harness listens' })
      const play = (event: object) => void world.write(`${JSON.stringify({ event: { at: '', ...event } })}\n`)
      for (const kind of newsKinds) {
        pty.type(`say ${kind} on`)
        await pty.sees(`${kind} is said by itself.`)
      }
      const before = pty.written().length
      const person = (name: string) => ({ participantId: name, name, handle: null, isYou: false })
      const speakers = ['Guide', 'Lena', 'Tomas']
      for (let index = 0; index < 1_000; index += 1) {
        play({ type: 'participant-joined', ...person(`L${index}`), role: 'listener', kind: 'person' })
        if (index % 20 === 0)
          play({ type: 'speaking', ...person(speakers[(index / 20) % 3]!), isSpeaking: true, levelDb: -20 })
        // A hundred and fifty a second, as a room fills.
        if (index % 15 === 0) await wait(100)
      }
      const askedAtMs = performance.now()
      const expiresAt = new Date(Date.now() + 60_000).toISOString()
      play({ type: 'invited-to-speak', participantId: 'you-1', name: 'Ana', isYou: true, by: 'Lena', expiresAt })
      await pty.sees('Lena invites you to speak', 1_000)
      expect(performance.now() - askedAtMs).toBeLessThan(1_000)
      // What still waits is said when its pause is over.
      await pty.sees(/\d+ people joined\. 145 listeners now\./)
      const lines = pty.written().slice(before).trim().split('\r\n')
      expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(10)
      expect(drawn(pty.written())).toEqual([])
    } finally {
      pty.close()
      await pty.exited
      harness.close()
    }
  })
})

const connectTo = (path: string) =>
  new Promise<Socket>((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })

/** What no plain line may hold: escapes, backspaces, bare carriage returns, box, block and braille characters. */
const drawn = (written: string): string[] =>
  written.match(/.{0,20}(?:[\u001b\b\u2500-\u259f\u2800-\u28ff]|\r(?![\r\n])).{0,20}/g) ?? []
