import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectSeat, listSeats, type SeatClient, type SeatOptions, startSeat } from '../../../src/client/seat.ts'
import type { SeatOrder } from '../../../src/client/seat-wire.ts'
import type { Room } from '../../../src/protocol/rooms.ts'
import type { SeatEvent } from '../../../src/protocol/seat.ts'
import { eventually } from '../../support/eventually.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { enter, hearMore, newPerson, openRoom, type Person } from './people.ts'

let server: TestServer
let host: Person
let guest: Person
let room: Room
let entry: string
const folder = mkdtempSync('/tmp/roomtone-seats-')
const build = mkdtempSync('/tmp/roomtone-seat-build-')

/** The bundled child, in a folder of this test's own. */
const buildSeat = (): string => {
  const script = fileURLToPath(new URL('../../../scripts/build.js', import.meta.url))
  execFileSync(process.execPath, [script], {
    env: { ...process.env, OUT: build },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return join(build, 'seat.js')
}

beforeAll(async () => {
  server = await startTestServer({ media: 'embedded' })
  entry = buildSeat()
  host = await newPerson(server, 'Lena')
  guest = await newPerson(server, 'Omar')
})
// A room ends with its last moderator, so each story has one of its own.
beforeEach(async () => {
  room = await openRoom(host, 'Seats')
})
afterEach(async () => {
  await host.api.call('endRoom', { params: { roomId: room.id } }).catch(() => {})
})
afterAll(async () => {
  await Promise.all([host.api.close(), guest.api.close()])
  await server.close()
  rmSync(folder, { recursive: true, force: true })
  rmSync(build, { recursive: true, force: true })
})

const optionsOf = (person: Person, more: Partial<SeatOptions> = {}): SeatOptions => ({
  entry,
  folder,
  server: server.url,
  roomId: room.id,
  token: person.accessToken,
  source: 'none',
  speaker: 'none',
  ...more,
})

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
const gone = (pid: number, withinMs = 6_000) =>
  eventually(() => !isAlive(pid), { withinMs, what: `process ${pid} is gone` })
const closed = (seat: SeatClient) => new Promise<string>((resolve) => seat.onClosed(resolve))

describe('a seat', () => {
  it('speaks from a process of its own and obeys its control socket', async () => {
    const seat = await startSeat(optionsOf(host, { source: 'tone:660' }))
    const events: SeatEvent[] = []
    seat.onEvent((event) => events.push(event))
    const { pid, seatId } = seat.state()!
    expect(pid).not.toBe(process.pid)
    expect(events[0]).toMatchObject({ type: 'joined', title: 'Seats', role: 'moderator' })
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const [running] = await listSeats(folder)
    expect(running).toMatchObject({ seatId, pid, title: 'Seats' })
    expect(statSync(running!.socket).mode & 0o777).toBe(0o600)

    const listener = await enter(guest, room)
    const heard = await hearMore(listener, 'Lena', 1, 8_000)
    expect(heard.frequencyHz).toBeCloseTo(660, 0)

    const other = await connectSeat(folder)
    expect((await other.request({ verb: 'mute' })).you).toMatchObject({ isMuted: true, microphone: 'muted' })
    await eventually(() => seat.state()!.you.isMuted, { withinMs: 1_000, what: 'the first client sees the mute' })
    await expect(other.request({ verb: 'stage', action: 'mute', who: '@nobody' })).rejects.toMatchObject({
      code: 'not-found',
    })
    const reason = closed(seat)
    await other.request({ verb: 'leave' })
    expect(await reason).toBe('left')
    expect(events.at(-1)).toMatchObject({ type: 'left', reason: 'left' })
    await gone(pid)
    expect(readdirSync(folder)).toEqual([])
    await listener.session.close()
  })

  it('lives through nonsense on its socket', async () => {
    const seat = await startSeat(optionsOf(host))
    const { socket: address } = (await listSeats(folder))[0]!
    const answers: string[] = []
    const socket = connect(address)
    socket.on('data', (chunk) => answers.push(...chunk.toString().split('\n').filter(Boolean)))
    socket.on('error', () => {})
    socket.write('not json\n{"id":7,"verb":"fly"}\n{"id":8,"verb":"volume","percent":"loud"}\n\u0000\u0001\n')
    await eventually(() => answers.length >= 4, { withinMs: 2_000, what: 'an answer to each line' })
    expect(JSON.parse(answers[1]!)).toMatchObject({ id: 7, ok: false, error: { code: 'bad-request' } })
    socket.write('x'.repeat(100_000))
    await eventually(() => socket.destroyed, { withinMs: 2_000, what: 'the endless line is hung up on' })
    expect((await seat.request({ verb: 'status' })).connection.status).toBe('live')
    const { pid } = seat.state()!
    await seat.request({ verb: 'leave' })
    await gone(pid)
  })

  it('leaves when its last client is gone, and stays when detached', async () => {
    const seat = await startSeat(optionsOf(guest, { keepMs: 200 }))
    const { pid } = seat.state()!
    seat.close()
    await gone(pid)

    const detached = await startSeat(optionsOf(guest, { keepMs: 200, detach: true, forMs: 1_500 }))
    const kept = detached.state()!.pid
    detached.close()
    const again = await connectSeat(folder)
    const reason = closed(again)
    expect(await reason).toBe('done')
    await gone(kept)
  })

  it('says why it cannot join, and leaves no process', async () => {
    const ended = await openRoom(host, 'Ended')
    await host.api.call('endRoom', { params: { roomId: ended.id } })
    await expect(startSeat(optionsOf(guest, { roomId: ended.id }))).rejects.toMatchObject({ code: 'room-ended' })
    await expect(startSeat(optionsOf(guest, { source: 'file:/tmp/no-such-file.wav' }))).rejects.toMatchObject({
      code: 'not-found',
    })
    expect(await listSeats(folder)).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  it('leaves in order on SIGTERM: exit code 0', async () => {
    const child = spawn(process.execPath, [entry], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    const { entry: _, ...options } = optionsOf(host, { source: 'tone:440' })
    const order: SeatOrder = { seatId: randomUUID(), ...options }
    const joined = new Promise((resolve) => child.once('message', resolve))
    const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
    child.send(order)
    expect(await joined).toEqual({ ok: true })
    child.kill('SIGTERM')
    expect(await exit).toEqual({ code: 0, signal: null })
  })

  describe('whose parent dies before it has taken the seat', () => {
    // A parent of its own, that starts a seat as startSeat does, and lives as long as it is let.
    const script = `
      const { spawn } = require('node:child_process')
      const [entry, order] = process.argv.slice(1)
      const child = spawn(process.execPath, [entry], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      if (order) child.send(JSON.parse(order))
      child.on('message', () => {})
      console.log(child.pid)`
    const newParent = async (order?: SeatOrder) => {
      const args = ['-e', script, entry, ...(order ? [JSON.stringify(order)] : [])]
      const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))))
      return { parent, pid }
    }
    const newOrder = (): SeatOrder => {
      const { entry: _, ...options } = optionsOf(guest, { source: 'tone:440', detach: true })
      return { seatId: randomUUID(), ...options }
    }
    const nobodyIsLeft = async () => {
      expect(readdirSync(folder)).toEqual([])
      await eventually(
        async () => {
          const { counts } = await host.api.call('showRoom', { params: { roomId: room.id } })
          return counts.listeners === 0
        },
        { withinMs: 5_000, what: 'nobody is left in the room' },
      )
    }

    it('goes too, however early, even if it should stay', async () => {
      const orphan = async (order: SeatOrder | undefined, livesMs: number) => {
        const { parent, pid } = await newParent(order)
        setTimeout(() => parent.kill('SIGKILL'), livesMs)
        await once(parent, 'close')
        await gone(pid, 15_000)
      }
      await orphan(undefined, 0)
      for (const livesMs of [0, 20, 60, 150, 300]) await orphan(newOrder(), livesMs)
      await nobodyIsLeft()
    })

    it('goes too when the parent never read that the seat is there', async () => {
      const { parent, pid } = await newParent(newOrder())
      parent.kill('SIGSTOP')
      const isLive = async () => {
        const client = await connectSeat(folder)
        const { connection } = await client.request({ verb: 'status' })
        client.close()
        return connection.status === 'live'
      }
      await eventually(isLive, { withinMs: 15_000, what: 'the seat is in the room' })
      parent.kill('SIGKILL')
      await gone(pid, 15_000)
      await nobodyIsLeft()
    })
  })

  it('is found again when it was too busy to answer', async () => {
    const seat = await startSeat(optionsOf(host))
    const { pid, seatId } = seat.state()!
    process.kill(pid, 'SIGSTOP')
    try {
      expect(await listSeats(folder)).toEqual([])
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const found = () => listSeats(folder)
    await eventually(async () => (await found())[0]?.seatId === seatId, { withinMs: 5_000, what: 'the seat is found' })
    await seat.request({ verb: 'leave' })
    await gone(pid)
  })

  it('is said not to answer while its process is stopped, and to answer again by itself', async () => {
    const seat = await startSeat(optionsOf(host, { source: 'tone:440' }))
    const { pid } = seat.state()!
    const shown: string[] = []
    seat.onState(({ connection }) => shown.push(connection.status))
    const isShown = (status: string) => () => seat.state()!.connection.status === status
    const stoppedAt = Date.now()
    process.kill(pid, 'SIGSTOP')
    try {
      await eventually(isShown('unresponsive'), { withinMs: 15_000, what: 'the face says that it does not answer' })
      const { connection } = seat.state()!
      const since = connection.status === 'unresponsive' ? Date.parse(connection.since) : 0
      expect(Math.abs(since - stoppedAt)).toBeLessThan(2_500)
      expect(shown.at(-1)).toBe('unresponsive')
      await expect(seat.request({ verb: 'unmute' })).rejects.toThrow('The seat does not answer; nothing was done.')
      await expect(seat.request({ verb: 'mute' })).rejects.toThrow('it mutes as soon as it does')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await eventually(() => !isShown('unresponsive')(), { withinMs: 5_000, what: 'it answers again' })
    await eventually(() => seat.state()!.you.isMuted, { withinMs: 5_000, what: 'the wish to be muted came through' })
    await seat.request({ verb: 'leave' })
    await gone(pid)
  })

  it('is gone within seconds of a kill -9, and what it left behind is cleaned', async () => {
    const seat = await startSeat(optionsOf(host))
    const { pid } = seat.state()!
    const reason = closed(seat)
    process.kill(pid, 'SIGKILL')
    expect(await reason).toBe('failed')
    expect(await listSeats(folder)).toEqual([])
    writeFileSync(join(folder, `${randomUUID()}.seat`), '')
    expect(await listSeats(folder)).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })
})
