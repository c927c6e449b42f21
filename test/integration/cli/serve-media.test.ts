import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createSocket } from 'node:dgram'
import type { JoinResponse } from '@livekit/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ServerInfo } from '../../../src/protocol/server.ts'
import { eventually } from '../../support/eventually.ts'
import { farSideMissing, startFarSide } from '../../support/far-side.ts'
import { freePort } from '../../support/free-port.ts'
import { type House, openHouse } from '../../support/house.ts'
import { openRawSignal } from '../../support/raw-signal.ts'
import { roomtone, roomtoneBin, throwawayHome } from '../../support/roomtone.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})
const turn = { url: 'turn:192.0.2.1:3478?transport=udp', secret: 'a secret between two servers' }
const secret = { ROOMTONE_TURN_SECRET: turn.secret }

describe('serve refuses in one sentence', () => {
  it.each([
    ['--media-address media.example.org', {}, /--media-address must be an IP address/],
    ['--media-address 0.0.0.0', {}, /--media-address must be an IP address that clients can reach/],
    ['--media-port 70000', {}, /--media-port must be a number from 0 to 65535, not "70000"/],
    ['--media-port 65535 --media-workers 2', {}, /--media-port 65535 leaves no ports for 2 workers/],
    ['--media-workers 0', {}, /--media-workers must be a number from 1 to 64, not "0"/],
    ['--media-workers many', {}, /--media-workers must be a number from 1 to 64, not "many"/],
    ['--turn turn.example.org', secret, /--turn must be a URL such as turn:/],
    ['--turn turn:turn.example.org', {}, /--turn needs ROOMTONE_TURN_SECRET/],
    [
      '--media-workers 2',
      { LIVEKIT_URL: 'ws://127.0.0.1:9', LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'secret' },
      /--media-workers is for the embedded media server/,
    ],
  ])('%s', async (args, env, sentence) => {
    const place = throwawayHome()
    open.push(place)
    const ran = await roomtone(['serve', '--port', '0', ...args.split(' ')], { home: place.home, env })
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) })
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
  })

  it('a media port that another program has', async () => {
    const place = throwawayHome()
    open.push(place)
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    open.push(socket)
    const { port } = socket.address()
    const ran = await roomtone(['serve', '--port', '0', '--media-port', String(port)], { home: place.home })
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(`UDP port ${port} is taken`) })
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
  })
})

type Status = ServerInfo & { url: string }
const statusOf = async (house: House): Promise<Status> => JSON.parse(await house.must('server', 'status', '--json'))
/** In the order of their start, which is that of their places. */
const workersOf = (house: House) =>
  house
    .processes()
    .filter(({ command }) => command.includes('media-server'))
    .sort((a, b) => a.pid - b.pid)
/** One figure of /metrics, of each worker. */
const ofWorkers = async (house: House, name: string): Promise<number[]> => {
  const text = await (await fetch(`${(await statusOf(house)).url}/metrics`)).text()
  return [...text.matchAll(new RegExp(`^roomtone_media_${name}{worker="\\d+"} (\\d+)$`, 'gm'))].map(([, n]) =>
    Number(n),
  )
}
const isTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createSocket('udp4')
    probe.once('error', () => resolve(true))
    probe.bind(port, '127.0.0.1', () => probe.close(() => resolve(false)))
  })

describe('serve with media workers and a relay', () => {
  let house: House
  let port: number
  beforeAll(async () => {
    port = await freePort()
    const workers = ['--media-address', '127.0.0.1', '--media-port', String(port), '--media-workers', '2']
    const env = { ROOMTONE_TURN_SECRET: turn.secret }
    house = await openHouse(['Ana'], { serve: ['--port', '0', '--turn', turn.url, ...workers], env })
  })
  afterAll(() => house?.close())

  it('gives each worker a port in a row, and server status counts them', async () => {
    expect((await statusOf(house)).media.workers).toEqual({ all: 2, running: 2 })
    expect(await house.must('server', 'status')).toMatch(/media\s+embedded, 2 workers\n/)
    expect(workersOf(house)).toHaveLength(2)
    expect([await isTaken(port), await isTaken(port + 1)]).toEqual([true, true])
  })

  it('has the people of a killed worker back within ten seconds', async () => {
    const room = await house.createRoom('Two engines')
    const ana = await house.join('ana', room, '--microphone', 'tone:440', '--speaker', 'none')
    open.push({ close: () => ana.verb('leave') })
    let place = -1
    await eventually(
      async () => {
        place = (await ofWorkers(house, 'packets_received_total')).findIndex((count) => count > 0)
        return place >= 0
      },
      { withinMs: 10_000, what: 'her sound at one of the workers' },
    )
    const { pid } = workersOf(house)[place]!
    process.kill(pid, 'SIGKILL')
    const killedAt = Date.now()
    const left = () => Math.max(0, 10_000 - (Date.now() - killedAt))
    await ana.tells('reconnected', { after: killedAt, withinMs: left() })
    await eventually(async () => (await ofWorkers(house, 'packets_received_total'))[place]! > 0, {
      withinMs: left(),
      what: 'her sound at the worker that took the place of the killed one',
    })
    expect((await statusOf(house)).media.workers).toEqual({ all: 2, running: 2 })
    expect(house.server!.stderr()).toMatch(/"event":"media-server","line":"the media server ended \(SIGKILL\)/)
    expect(workersOf(house).map((worker) => worker.pid)).not.toContain(pid)
  })

  it('tells clients of the relay, with a password of its own for each', async () => {
    const room = await house.createRoom('By relay')
    const seat = await house.join('ana', room, '--microphone', 'none', '--speaker', 'none')
    open.push({ close: () => seat.verb('leave') })
    const { url, token } = JSON.parse(await house.must('token', room.id, '--json', '--profile', 'ana'))
    const raw = await openRawSignal(url, token)
    open.push(raw)
    const joined = await eventually(() => raw.received.find((message) => message.case === 'join'), {
      withinMs: 5000,
      what: 'the join response',
    })
    const [server] = (joined as { value: JoinResponse }).value.iceServers
    expect(server).toMatchObject({ urls: [turn.url], username: expect.stringMatching(/^\d{10}(:|$)/) })
    // Time-limited credentials as coturn checks them: the HMAC of the name, by the secret.
    const password = createHmac('sha1', turn.secret).update(server!.username).digest('base64')
    expect(server!.credential).toBe(password)
  })
})

describe.skipIf(farSideMissing)(`serve on an address of its own${farSideMissing ? ` (${farSideMissing})` : ''}`, () => {
  it('lets in who reaches it; who finds no path for sound is told so within ten seconds, and exits with 7', async () => {
    const port = await freePort()
    const far = await startFarSide(port)
    open.push(far)
    const args = ['--port', String(port), '--media-address', far.address]
    const house = await openHouse(['Ana'], { serve: args })
    open.push(house)
    const join = async () => joinFrom(far.inside, house, (await house.createRoom('Over there')).id)
    expect(await join()).toMatchObject({ code: 0, stderr: '' })
    far.cut()
    const callsBefore = far.calls.length
    const { code, stderr, toldAtMs } = await join()
    const tookMs = toldAtMs - far.calls[callsBefore]!
    expect({ code, stderr }).toEqual({
      code: 7,
      stderr: expect.stringMatching(
        /^roomtone: The media server at \S+ answers, but no network path for sound was found/,
      ),
    })
    expect(stderr.trim().split('\n')).toHaveLength(1)
    console.log(`told ${Math.round(tookMs)} ms after its first call`)
    expect(tookMs).toBeLessThan(10_000)
  })
})

/** One `join --for 2s` on the far side, to its end. */
const joinFrom = async (inside: (command: string[]) => [string, string[]], { home }: House, roomId: string) => {
  const quiet = ['--microphone', 'none', '--speaker', 'none', '--jsonl']
  const child = spawn(
    ...inside([process.execPath, roomtoneBin, 'join', roomId, '--profile', 'ana', '--for', '2s', ...quiet]),
    {
      env: { ...process.env, ROOMTONE_HOME: home },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let stderr = ''
  let toldAtMs = 0
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    toldAtMs = performance.now()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stderr, toldAtMs }
}
