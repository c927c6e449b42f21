import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SeatEvent, SeatState } from '../../../src/protocol/seat.ts'
import { seatEventSchema, seatStateSchema } from '../../support/cli-schema.ts'
import { eventually } from '../../support/eventually.ts'
import { isAlive, login, type Running, roomtone, startRoomtone, throwawayHome } from '../../support/roomtone.ts'

// Ana moderates from a detached seat that speaks a tone; Omar joins on a second account.
let place: ReturnType<typeof throwawayHome>
let room: { id: string; link: string }
let anaSeat: string
const joined: Running[] = []

beforeAll(async () => {
  place = throwawayHome()
  await login(place.home, '+4915112345678', 'Ana')
  await login(place.home, '+4915112345679', 'Omar', 'omar')
})
beforeEach(async () => {
  const created = await run('room', 'create', 'Story', '--recording', 'flagged', '--json')
  room = JSON.parse(created.stdout)
  const sat = await run('join', room.id, '--detach', '--microphone', 'tone:440', '--speaker', 'none')
  expect(sat).toMatchObject({ code: 0 })
  anaSeat = sat.stdout.trim()
})
afterEach(async () => {
  for (const seat of joined.splice(0)) {
    seat.kill('SIGINT')
    await seat.ended
  }
  await run('room', 'end', room.id)
})
afterAll(() => place.close())

const run = (...args: string[]) => roomtone(args, { home: place.home })
const asAna = (...args: string[]) => run(...args, '--seat', anaSeat)
const omarJoins = (...args: string[]): Running => {
  const seat = startRoomtone(['join', room.id, '--profile', 'omar', ...args], { home: place.home })
  joined.push(seat)
  return seat
}
const event = <T extends SeatEvent['type']>(seat: Running, type: T, withinMs = 15_000) =>
  eventually(() => seat.events<SeatEvent>().find((one) => one.type === type) as Extract<SeatEvent, { type: T }>, {
    withinMs,
    what: `"${type}" told`,
  })
const stateOf = async (seatId: string): Promise<SeatState> =>
  seatStateSchema.parse(JSON.parse((await run('status', '--seat', seatId, '--json')).stdout))

describe('join', () => {
  it('hears a tone into a file as a recording, shown to all, and says the same in heard', async () => {
    const seat = omarJoins('--jsonl', '--speaker', 'file:out.wav', '--microphone', 'none', '--for', '4s')
    await event(seat, 'joined')
    await eventually(async () => (await stateOf(anaSeat)).room.isRecorded, {
      withinMs: 5000,
      what: 'shown as recorded',
    })
    const { code } = await seat.ended
    expect(code).toBe(0)
    const events = seat.events().map((one) => seatEventSchema.parse(one))
    const heard = events.find((one) => one.type === 'heard' && one.isFinal)
    expect(heard).toMatchObject({ who: 'Ana' })
    if (heard?.type !== 'heard') throw new Error('nothing heard')
    expect(heard.seconds).toBeGreaterThan(2.5)
    expect(heard.frequencyHz).toBeCloseTo(440, 0)
    expect(Math.abs(heard.levelDb + 20)).toBeLessThan(1)
    expect(events.at(-1)).toMatchObject({ type: 'left', reason: 'done' })
    expect(existsSync(join(place.home, 'out.wav'))).toBe(true)
  })

  it('plays what is there of a truncated file, and warns', async () => {
    const whole = readFileSync(new URL('../../support/fixtures/tone.flac', import.meta.url))
    writeFileSync(join(place.home, 'cut.flac'), whole.subarray(0, Math.floor(whole.length * 0.6)))
    const spec = ['--microphone', 'file:cut.flac', '--speaker', 'none', '--for', '5s', '--jsonl']
    const seat = startRoomtone(['join', room.id, ...spec], { home: place.home })
    joined.push(seat)
    expect(await event(seat, 'warning')).toMatchObject({ message: expect.stringMatching(/cut\.flac/) })
    expect(await seat.ended).toMatchObject({ code: 0 })
  })

  it('to a file is refused (5) where recording is off', async () => {
    await run('room', 'edit', room.id, '--recording', 'off')
    for (const speaker of ['file:out2.wav', ' file:out2.wav']) {
      const ran = await omarJoins('--speaker', speaker).ended
      expect(ran.code).toBe(5)
      expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    }
  })

  it('in plain lines tells what concerns you, takes typed commands, and ends with 130 on Ctrl+C', async () => {
    const seat = omarJoins('--plain', '--speaker', 'none', '--microphone', 'none')
    await eventually(() => seat.stdout().includes('You are in Story as a listener'), {
      withinMs: 15_000,
      what: 'joined',
    })
    seat.write('hand How long?\n')
    const hands = await eventually(
      async () => {
        const { stdout } = await run('stage', 'hands', '--room', room.id, '--json')
        return JSON.parse(stdout).hands.length > 0 && JSON.parse(stdout).hands
      },
      { withinMs: 5000, what: 'the hand' },
    )
    expect(hands).toMatchObject([{ handle: 'omar', question: 'How long?', position: 1 }])
    seat.write('nonsense\nwho\n')
    await eventually(() => seat.stderr().includes('"nonsense" is not a command'), { withinMs: 5000, what: 'told' })
    await eventually(() => /On stage:.*Ana/.test(seat.stdout()), { withinMs: 5000, what: 'who is there' })
    expect(seat.stdout()).not.toContain('\u001b')
    seat.kill('SIGINT')
    expect((await seat.ended).code).toBe(130)
  })

  it('stays when its input ends, and ends quietly when nobody reads its output', async () => {
    const seat = omarJoins('--jsonl', '--speaker', 'none', '--microphone', 'none')
    seat.endInput()
    await event(seat, 'joined')
    seat.child.stdout?.destroy()
    const heardOf = await eventually(() => seat.child.exitCode !== null, { withinMs: 20_000, what: 'its end' })
    expect(heardOf).toBe(true)
    expect(await seat.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('ends with 8 when kicked, replaced by another device, or the room is ended', async () => {
    const kicked = omarJoins('--jsonl', '--speaker', 'none', '--microphone', 'none')
    await event(kicked, 'joined')
    expect(await asAna('stage', 'kick', '@omar')).toMatchObject({ code: 0 })
    expect((await kicked.ended).code).toBe(8)
    expect(await event(kicked, 'left')).toMatchObject({ reason: 'kicked' })
    // Who was kicked does not get in again.
    expect((await omarJoins('--speaker', 'none').ended).code).toBe(5)

    const ended = startRoomtone(['join', room.id, '--jsonl', '--speaker', 'none'], { home: place.home })
    joined.push(ended)
    await event(ended, 'joined')
    // Ana's second seat has replaced her first.
    await eventually(async () => (await run('status', '--seat', anaSeat)).code === 6, {
      withinMs: 10_000,
      what: 'replaced',
    })
    await run('room', 'end', room.id)
    expect((await ended.ended).code).toBe(8)
    expect(await event(ended, 'left')).toMatchObject({ reason: 'room-ended' })
    expect((await omarJoins('--speaker', 'none').ended).code).toBe(8)
  })

  it('refuses what does not go together: 2; what is not there: 6; what is no sound: 2', async () => {
    expect((await run('join')).code).toBe(2)
    expect((await run('join', room.id, '--url', 'ws://x')).code).toBe(2)
    expect((await run('join', room.id, '--for', 'long')).code).toBe(2)
    expect((await run('join', room.id, '--jsonl', '--speaker', 'stdout')).code).toBe(2)
    expect((await run('join', 'No such room')).code).toBe(6)
    expect((await run('join', room.id, '--microphone', 'file:missing.wav')).code).toBe(6)
    expect((await run('join', room.id, '--speaker', 'file:nowhere/out.wav')).code).toBe(6)
    expect((await run('join', room.id, '--speaker', 'file:out.mp3')).code).toBe(2)
    writeFileSync(join(place.home, 'text.wav'), 'this is no sound')
    expect((await run('join', room.id, '--microphone', 'file:text.wav')).code).toBe(2)
    expect((await run('join', room.id, '--microphone', 'tone:loud')).code).toBe(2)
  })
})

describe('the running seat', () => {
  it('is steered by verbs, each answering with its state', async () => {
    const state = async (...args: string[]) => {
      const ran = await asAna(...args, '--json')
      expect(ran).toMatchObject({ code: 0 })
      return seatStateSchema.parse(JSON.parse(ran.stdout))
    }
    expect((await state('mute')).you).toMatchObject({ isMuted: true, microphone: 'muted' })
    expect((await state('unmute')).you).toMatchObject({ isMuted: false, microphone: 'open' })
    expect((await state('talk', 'off')).you.isMuted).toBe(true)
    expect((await state('talk', 'on')).you.isMuted).toBe(false)
    expect((await state('deafen')).you.isDeafened).toBe(true)
    expect((await state('undeafen')).you.isDeafened).toBe(false)
    expect((await state('volume', '150')).you.volume).toBe(150)
    expect((await asAna('status')).stdout).toMatch(/^Story: /)
  })

  it('says 5 for what the room does not allow, 6 without a seat, 2 with several', async () => {
    const seat = omarJoins('--jsonl', '--speaker', 'none', '--microphone', 'tone:880')
    const { seatId } = await event(seat, 'joined')
    const asOmar = (...args: string[]) => run(...args, '--seat', seatId)
    for (const verb of [['unmute'], ['accept'], ['stage', 'mute', '@ana'], ['step-down']])
      expect((await asOmar(...verb)).code).toBe(5)
    expect((await run('status')).code).toBe(2)
    expect((await run('status', '--seat', 'ffffffff')).code).toBe(6)
  })

  it('goes from hand to stage and back', async () => {
    const seat = omarJoins('--jsonl', '--speaker', 'none', '--microphone', 'tone:880')
    const { seatId } = await event(seat, 'joined')
    const asOmar = (...args: string[]) => run(...args, '--seat', seatId)
    const you = async () => (await stateOf(seatId)).you
    expect((await asOmar('hand', 'May', 'I?')).code).toBe(0)
    expect((await asOmar('lower')).code).toBe(0)
    expect((await asAna('stage', 'invite', '@omar')).code).toBe(0)
    await event(seat, 'invited-to-speak')
    expect((await asOmar('accept')).code).toBe(0)
    await eventually(async () => (await you()).role === 'speaker', { withinMs: 3000, what: 'a speaker' })
    expect((await asAna('stage', 'mute', '@omar')).code).toBe(0)
    await eventually(async () => (await you()).microphone === 'muted-by-moderator', { withinMs: 3000, what: 'muted' })
    expect((await asOmar('unmute')).code).toBe(5)
    expect((await asAna('stage', 'allow', '@omar')).code).toBe(0)
    await eventually(async () => (await you()).microphone !== 'muted-by-moderator', { withinMs: 3000, what: 'allowed' })
    expect((await asOmar('step-down')).code).toBe(0)
    await eventually(async () => (await you()).role === 'listener', { withinMs: 3000, what: 'a listener' })
    expect((await asOmar('leave')).code).toBe(0)
    expect((await seat.ended).code).toBe(0)
  })

  it('leaves nothing behind', async () => {
    const { pid } = await stateOf(anaSeat)
    expect((await asAna('leave')).code).toBe(0)
    await eventually(() => !isAlive(pid), { withinMs: 6000, what: 'the end of its process' })
    expect((await run('mute')).code).toBe(6)
  })
})

describe('any LiveKit room', () => {
  it('is joined by --url and a token from a file, without our server', async () => {
    const { stdout } = await run('token', room.id, '--json')
    const { url, token } = JSON.parse(stdout)
    writeFileSync(join(place.home, 'token'), `${token}\n`)
    const seat = startRoomtone(
      [
        'join',
        '--url',
        url,
        '--token',
        '@token',
        '--jsonl',
        '--speaker',
        'none',
        '--microphone',
        'none',
        '--for',
        '3s',
      ],
      { home: place.home },
    )
    joined.push(seat)
    expect((await seat.ended).code).toBe(0)
    expect(await event(seat, 'heard')).toMatchObject({ handle: null })
  })

  it('is 4 for a foreign token and 7 for a dead server', async () => {
    const { url } = JSON.parse((await run('token', room.id, '--json')).stdout)
    const more = ['--token', 'e30.e30.x', '--speaker', 'none', '--microphone', 'none']
    expect((await run('join', '--url', url, ...more)).code).toBe(4)
    expect((await run('join', '--url', 'ws://127.0.0.1:9', ...more)).code).toBe(7)
  })
})
