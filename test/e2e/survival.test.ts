import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectSeat, type SeatClient } from '../../src/client/seat.ts'
import type { SeatState } from '../../src/protocol/seat.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { type House, type HouseSeat, openHouse } from '../support/house.ts'
import { portAudioMissing } from '../support/portaudio-entry.ts'
import { type Pulse, pulseMissing, startPulse } from '../support/pulse.ts'
import { serverPid } from '../support/roomtone.ts'

// One part of a live room is killed with -9: Ana speaks a tone, Omar hears it.
const BACK_WITHIN_MS = 10_000

type Stay = HouseSeat & { see(): SeatState }

const clients: SeatClient[] = []
const closeClients = () => {
  for (const client of clients.splice(0)) client.close()
}

/** Looks into a seat without a process for each look. */
const watch = async (house: House, seat: HouseSeat): Promise<Stay> => {
  const { seatId } = await seat.tells('joined')
  const client = await connectSeat(join(house.home, 'run'), seatId)
  clients.push(client)
  return { ...seat, see: () => client.state()! }
}

const levelOfAna = (stay: Stay) => stay.see().participants.find(({ handle }) => handle === 'ana')?.levelDb ?? -100

const hearsAna = (stay: Stay, withinMs: number) =>
  eventually(
    () => levelOfAna(stay) > -30 || fail(`level ${levelOfAna(stay)}, ${JSON.stringify(stay.see().connection)}`),
    {
      withinMs,
      what: 'Omar hears Ana',
    },
  )

const fail = (why: string): never => {
  throw new Error(why)
}

const begin = async (house: House, title: string, ...microphone: string[]) => {
  const room = await house.createRoom(title)
  const args = microphone.length > 0 ? microphone : ['--microphone', 'tone:440']
  const ana = await watch(house, await house.join('ana', room, '--speaker', 'none', ...args))
  const omar = await watch(house, await house.join('omar', room, '--microphone', 'none', '--speaker', 'none'))
  await hearsAna(omar, 10_000)
  return { room, ana, omar }
}

/** The one process of the house that runs this bundle. */
const processOf = (house: House, entry: string): number => {
  const found = house.processes().filter(({ command }) => command.includes(`/${entry}.js`))
  if (found.length !== 1) throw new Error(`${found.length} processes of ${entry}`)
  return found[0]!.pid
}

const kill = (pid: number) => {
  process.kill(pid, 'SIGKILL')
  return performance.now()
}
const leftOf = (killedAt: number) => Math.max(0, BACK_WITHIN_MS - (performance.now() - killedAt))
const took: string[] = []
const note = (what: string, killedAt: number) => took.push(`${what} ${Math.round(performance.now() - killedAt)} ms`)
afterAll(() => console.log(`after kill -9: ${took.join(', ')}`))

const bothAreBack = async (what: string, killedAt: number, { ana, omar }: { ana: Stay; omar: Stay }) => {
  for (const stay of [ana, omar]) await stay.tells('reconnected', { withinMs: leftOf(killedAt) })
  await hearsAna(omar, leftOf(killedAt))
  note(what, killedAt)
  expect(ana.see()).toMatchObject({ connection: { status: 'live' }, you: { role: 'moderator', microphone: 'open' } })
  for (const stay of [ana, omar]) expect(stay.told('left')).toEqual([])
}

const leaveQuietly = async (...stays: Stay[]) => {
  for (const stay of stays) {
    expect(await stay.verb('leave')).toMatchObject({ code: 0 })
    expect(await stay.ended).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/signal|core|segfault/i) })
  }
}

/** Nothing but the server and its media child. */
const onlyServerIsLeft = (house: House) =>
  eventually(
    () => {
      const others = house.processes().filter(({ command }) => !/ serve |media-server\.js/.test(command))
      return others.length === 0 || fail(others.map(({ state, command }) => `${state} ${command}`).join('; '))
    },
    { withinMs: 10_000, what: 'no process but the server' },
  )

describe('with the embedded server', () => {
  let house: House
  beforeAll(async () => {
    house = await openHouse(['Ana', 'Omar'])
  })
  afterEach(async () => {
    closeClients()
    await house.leaveAll()
  })
  afterAll(() => house?.close())

  it('both are back when the server is killed and the next command starts it again', async () => {
    const stays = await begin(house, 'Server')
    const pid = serverPid(house.home)!
    const killedAt = kill(pid)
    expect((await house.run('rooms', '--profile', 'ana')).code).toBe(0)
    expect(serverPid(house.home)).not.toBe(pid)
    await bothAreBack('embedded server', killedAt, stays)
    await leaveQuietly(stays.omar, stays.ana)
    await onlyServerIsLeft(house)
  })

  it('both are back when the media child is killed', async () => {
    const stays = await begin(house, 'Media')
    const killedAt = kill(processOf(house, 'media-server'))
    await bothAreBack('media child', killedAt, stays)
    await leaveQuietly(stays.omar, stays.ana)
    await onlyServerIsLeft(house)
  })

  it("one's own command says so when a seat is killed, and the others are told", async () => {
    const { room, ana, omar } = await begin(house, 'Seat')
    const killedWhen = Date.now()
    const killedAt = kill(ana.see().pid)
    const ended = await ana.ended
    note('seat, to its own', killedAt)
    expect(ended.code).toBe(1)
    expect(ana.told('left')).toMatchObject([{ reason: 'failed' }])
    // Her sound is told to have ended; R20 gives her 15 s to come back before the roster says `away`.
    await omar.tells('speaking', {
      withinMs: leftOf(killedAt),
      where: ({ name, isSpeaking, at }) => name === 'Ana' && !isSpeaking && Date.parse(at) >= killedWhen,
    })
    const quality = () => omar.see().participants.find(({ name }) => name === 'Ana')?.quality
    await eventually(() => quality() === 'lost' || fail(`quality ${quality()}`), {
      withinMs: leftOf(killedAt),
      what: 'Ana is shown as without a line',
    })
    note('seat, to the others', killedAt)
    await eventually(() => omar.see().participants.some(({ name, isAway }) => name === 'Ana' && isAway), {
      withinMs: 20_000,
      what: 'the roster says that Ana is away',
    })
    note('seat, away in the roster', killedAt)
    // Back on another seat she is moderator as before, and is heard again.
    const again = await watch(house, await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none'))
    await hearsAna(omar, BACK_WITHIN_MS)
    expect(again.see().you.role).toBe('moderator')
    await leaveQuietly(omar, again)
    await onlyServerIsLeft(house)
  })
})

describe('with a server of `serve`', () => {
  let house: House
  let port: number
  beforeAll(async () => {
    port = await freePort()
    house = await openHouse(['Ana', 'Omar'], { serve: ['--port', `${port}`] })
  })
  afterAll(async () => {
    closeClients()
    await house?.close()
  })

  it('both are back when it is killed and started again on the same port and data', async () => {
    const stays = await begin(house, 'Serve')
    const killedAt = kill(serverPid(house.home)!)
    await stays.omar.tells('reconnecting', { withinMs: leftOf(killedAt) })
    const again = await house.serve('--port', `${port}`)
    await bothAreBack('server of serve', killedAt, stays)
    await leaveQuietly(stays.omar, stays.ana)
    again.kill('SIGTERM')
    expect((await again.ended).code).toBe(0)
  })
})

const missing = pulseMissing ?? portAudioMissing
describe.skipIf(missing)(`with a sound card${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let pulse: Pulse
  let house: House
  let playing: Promise<void>
  beforeAll(async () => {
    pulse = await startPulse()
    house = await openHouse(['Ana', 'Omar'], { env: pulse.env })
    await house.must('config', 'set', 'sound-engine', 'portaudio')
  })
  beforeEach(() => {
    playing = pulse.playTone(440, -20, 30_000).catch(() => {})
  })
  afterAll(async () => {
    closeClients()
    await house?.close()
    await pulse?.close()
    await playing
  })

  it('the device is told lost and back when the PortAudio child is killed, and sounds again', async () => {
    const { ana, omar } = await begin(house, 'Device', '--microphone', pulse.microphone, '--unmuted')
    const killedAt = kill(processOf(house, 'portaudio'))
    await ana.tells('device-lost', { withinMs: leftOf(killedAt) })
    await ana.tells('device-back', { withinMs: leftOf(killedAt) })
    await hearsAna(omar, leftOf(killedAt))
    note('PortAudio child', killedAt)
    expect(ana.see().devices.microphone.status).toBe('ok')
    await leaveQuietly(omar, ana)
    await onlyServerIsLeft(house)
  })
})
