import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ServerInfo } from '../../../src/protocol/server.ts'
import { createMediaService, probeMediaServer } from '../../../src/server/media-service.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { type House, type HouseSeat, openHouse } from '../../support/house.ts'
import { type Front, startFront } from '../../support/livekit-front.ts'
import { type LivekitServer, noLivekit, startLivekitServer } from '../../support/livekit-server.ts'
import { roomtone, throwawayHome } from '../../support/roomtone.ts'

let livekit: LivekitServer
const houses: House[] = []
beforeAll(async () => {
  if (!noLivekit) livekit = await startLivekitServer()
})
afterEach(async () => {
  for (const house of houses.splice(0)) await house.close()
})
afterAll(async () => {
  await livekit?.close()
})

const open = async (url: string, more: Record<string, string> = {}): Promise<House> => {
  const env = { LIVEKIT_URL: url, LIVEKIT_API_KEY: livekit.key, LIVEKIT_API_SECRET: livekit.secret, ...more }
  const house = await openHouse(['Ana'], { serve: ['--port', '0'], env })
  houses.push(house)
  return house
}

/** One sentence of `server status` and `doctor`, and what `doctor` ends with. */
const told = async (house: House) => {
  const status = await house.must('server', 'status')
  const doctor = await house.run('doctor')
  return {
    status: /^media trouble +(.*)$/m.exec(status)?.[1],
    doctor: /^(\w+) +media server +(.*)$/m.exec(doctor.stdout)?.slice(1),
    code: doctor.code,
  }
}
/** What `server status` would say, without a new process each time. */
const problemOf = async (house: House): Promise<string | null> => {
  const { url } = JSON.parse(readFileSync(join(house.home, 'state', 'server.json'), 'utf8'))
  const info = (await (await fetch(`${url}/api/server`)).json()) as ServerInfo
  return info.media.problem
}
const tells = (house: House, sentence: RegExp) =>
  eventually(async () => sentence.test((await problemOf(house)) ?? 'nothing') || raise(await problemOf(house)), {
    withinMs: 15_000,
    what: `status says ${sentence}`,
  })
const raise = (problem: string | null): never => {
  throw new Error(problem ?? 'no problem')
}
const isWell = (house: House) =>
  eventually(async () => (await problemOf(house)) === null, { withinMs: 15_000, what: 'no trouble any more' })
/** The only moderator who leaves ends the room, so each time it is a new one. */
const enter = async (house: House) => {
  const { id } = await house.createRoom('A room')
  return house.start(['join', id, '--profile', 'ana', '--microphone', 'none', '--speaker', 'none', '--for', '300ms'])
}
const joins = async (house: House) => (await enter(house)).ended
const trying = 'The room cannot be reached yet; trying again.\n'
const waits = (seat: HouseSeat) =>
  eventually(() => seat.stderr() !== '', { withinMs: 30_000, what: 'it says that it waits' })

describe.skipIf(noLivekit)(`a house whose livekit-server fails it${noLivekit ? ` (${noLivekit})` : ''}`, () => {
  it('starts without it and says so; asked too often, joins wait; with other keys they are refused; each in a sentence', {
    timeout: 200_000,
  }, async () => {
    const port = await freePort()
    const url = `ws://127.0.0.1:${port}`
    const house = await open(url)
    const down = `The media server at ${url} cannot be reached (ECONNREFUSED)`
    expect(await told(house)).toEqual({ status: `${down}.`, doctor: ['FAILED', down], code: 7 })
    expect(await joins(house)).toMatchObject({
      code: 7,
      stderr: `${trying}roomtone: The media server cannot be reached; try again in a moment.\n`,
    })

    const front: Front = await startFront(livekit, port)
    await isWell(house)
    const well = `${url} answers, and sends no webhooks, so it is looked at once a second`
    expect(await told(house)).toEqual({ status: undefined, doctor: ['ok', well], code: 0 })
    expect(await joins(house)).toMatchObject({ code: 0, stderr: '' })

    front.refuseWith(429)
    await tells(house, /asked too often/)
    const early = await enter(house)
    await waits(early)
    front.refuseWith(null)
    expect(await early.ended).toMatchObject({
      code: 0,
      stderr: 'The media server is asked too often. Waiting for a place.\n',
    })

    front.refuseJoinsWith(503)
    const crowded = await enter(house)
    await waits(crowded)
    front.refuseJoinsWith(null)
    expect(await crowded.ended).toMatchObject({
      code: 0,
      stderr: `The media server at ${url} has no place now (HTTP 503). Waiting for a place.\n`,
    })

    await livekit.restart({ apiSecret: 'another secret of at least thirty-two characters' })
    await tells(house, /does not take the API key and secret: LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be its own/)
    expect(await joins(house)).toMatchObject({
      code: 7,
      stderr: `${trying}roomtone: The media server refuses this house; its operator knows why.\n`,
    })
    await livekit.restart({ apiKey: 'anotherkey', apiSecret: livekit.secret })
    await tells(house, /does not know the API key/)
    await livekit.restart({ apiKey: livekit.key })
    await isWell(house)
    expect(await joins(house)).toMatchObject({ code: 0 })
    await house.close()
    houses.pop()
    await front.close()
  })

  it.each([
    ['ahead', 1_800_000, /takes tokens of now for tokens of the future: its clock is behind/],
    ['behind', -1_800_000, /takes tokens of now for expired ones: its clock is ahead/],
  ])('is told so when its own clock is half an hour %s', async (_, shiftMs, message) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + shiftMs })
    const { url, key: apiKey, secret: apiSecret } = livekit
    const problem = await probeMediaServer({ url, apiKey, apiSecret })
    vi.useRealTimers()
    expect(problem).toEqual({ code: 'clock', message: expect.stringMatching(message) })
  })

  it('tells those inside within seconds that it died, and has them back when it runs again', async () => {
    const house = await open(livekit.url)
    const room = await house.createRoom('A room')
    const seat = await house.join('ana', room, '--microphone', 'none', '--speaker', 'none')
    await livekit.kill()
    await seat.tells('reconnecting', { withinMs: 10_000 })
    await tells(house, /cannot be reached/)
    await livekit.restart()
    await seat.tells('reconnected', { withinMs: 10_000 })
    expect((await seat.state()).connection.status).toBe('live')
  })
})

it("serve and doctor refuse a LIVEKIT_URL of something else, and say that keys without a URL are the embedded one's", async () => {
  const place = throwawayHome()
  const site = createServer((_, response) => response.writeHead(404).end('not here'))
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const env = { LIVEKIT_URL: url, ...keys }
  const sentence = `LIVEKIT_URL: What answers at ${url} is no LiveKit server: HTTP 404.`
  const served = await roomtone(['serve', '--port', '0'], { home: place.home, env })
  expect(served).toEqual({ code: 2, stdout: '', stderr: `roomtone: ${sentence}\n` })
  const refused = await roomtone(['doctor'], { home: place.home, env })
  expect(refused).toMatchObject({ code: 2, stdout: expect.stringContaining(sentence) })
  const without = await roomtone(['doctor'], { home: place.home, env: keys })
  expect(without.stdout).toContain('LIVEKIT_URL is not set, so the embedded media server runs')
  await place.close()
  await new Promise((resolve) => site.close(resolve))
})

it.concurrent.each([
  ['seconds', () => '3', 2_000, 3_000],
  ['a date', () => new Date(Date.now() + 4_000).toUTCString(), 2_000, 4_000],
  ['an hour, and gets a minute', () => '3600', 59_000, 60_000],
  ['nothing in particular, and gets five seconds', () => undefined, 4_000, 5_000],
])('leaves a media server alone that answers 429 and asks for %s', async (_, retryAfter, atLeast, atMost) => {
  let asked = 0
  const busy = createServer((_, response) => {
    asked += 1
    const header = retryAfter()
    response.writeHead(429, header === undefined ? {} : { 'retry-after': header }).end('not now')
  })
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  const url = `ws://127.0.0.1:${(busy.address() as AddressInfo).port}`
  const service = createMediaService({ url, apiKey: 'key', apiSecret: 'secret' }, () => {})
  expect(service.pauseMs()).toBe(0)
  const refusal = { code: 'rate-limited', message: `The media server at ${url} says that it is asked too often.` }
  const startMs = performance.now()
  await expect(service.probe()).rejects.toMatchObject(refusal)
  const pauseMs = service.pauseMs()
  expect(pauseMs).toBeLessThanOrEqual(atMost)
  expect(pauseMs + performance.now() - startMs).toBeGreaterThan(atLeast)
  await expect(service.remove('room', 'somebody')).rejects.toMatchObject(refusal)
  expect(asked).toBe(1)
  if (atMost <= 5_000) {
    await eventually(() => service.pauseMs() === 0, { withinMs: 10_000, what: 'the pause is over' })
    await expect(service.probe()).rejects.toMatchObject(refusal)
    expect(asked).toBe(2)
  }
  busy.closeAllConnections()
  await new Promise((resolve) => busy.close(resolve))
})

const keys = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters' }
