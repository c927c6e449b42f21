import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { joinPackets, type PacketParticipant } from '../../../src/client/packets.ts'
import { encodeMarkers } from '../../../src/client/packets-markers.ts'
import type { ServerInfo } from '../../../src/protocol/server.ts'
import { type MediaWorkers, startMediaWorkers } from '../../../src/sfu/workers.ts'
import { eventually } from '../../support/eventually.ts'
import { farSideMissing, startFarSide } from '../../support/far-side.ts'
import { freePort } from '../../support/free-port.ts'
import { API_KEY, API_SECRET, buildMediaServer } from '../../support/media-server.ts'
import { call } from '../../support/phones.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { enter, guest, openRoom, subscribe } from '../server-rooms/room-kit.ts'

const TOKEN = 'a token for the one who watches'

const read = (server: Pick<TestServer, 'url'>, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/metrics`, { headers })

/** Sum of a metric over its lines that hold `label`; undefined where it is not told. */
const sumOf = (text: string, name: string, label = ''): number | undefined => {
  const lines = text
    .split('\n')
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
  return lines.length === 0 ? undefined : lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

describe('a house with two media workers', () => {
  let workers: MediaWorkers
  let server: TestServer
  const people: PacketParticipant[] = []

  beforeAll(async () => {
    workers = await startMediaWorkers({ entry: buildMediaServer(), apiKey: API_KEY, apiSecret: API_SECRET, workers: 2 })
    const media = { apiKey: API_KEY, apiSecret: API_SECRET, attach: workers as never }
    server = await startTestServer({ port: await freePort(), media })
  })
  afterAll(async () => {
    for (const one of people) await one.leave()
    await server?.close()
    await workers?.close()
  })

  it('is told in figures, and nobody in it by name', async () => {
    const ada = await guest(server, 'Ada Lovelace')
    const room = await openRoom(ada, { title: 'On engines' })
    const { joined } = await enter(ada, room.id)
    const speaker = await joinPackets({ url: joined.media.url, token: joined.media.token })
    people.push(speaker)
    await speaker.publish(await encodeMarkers({ everyMs: 1000, id: 4 }))
    const ben = await guest(server, 'Ben Bitdiddle')
    const seat = await enter(ben, room.id)
    people.push(await joinPackets({ url: seat.joined.media.url, token: seat.joined.media.token }))
    const stream = await subscribe(server, ben.credentials.accessToken)
    await fetch(`${server.url}/api/rooms/${room.id}/nothing-there`)

    let text = ''
    await eventually(
      async () => {
        const answer = await read(server)
        expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
        text = await answer.text()
        return (sumOf(text, 'roomtone_media_packets_forwarded_total') ?? 0) > 50
      },
      { withinMs: 15_000, what: 'packets are forwarded' },
    )
    stream.close()
    const told = (name: string, label?: string) => ({ [name + (label ?? '')]: sumOf(text, name, label) })
    const join = 'method="POST",route="/api/rooms/:roomId/join",status="200"'
    expect({
      ...told('roomtone_live_rooms'),
      ...told('roomtone_seats'),
      ...told('roomtone_event_streams'),
      ...told('roomtone_text_messages_total', 'sent'),
      ...told('roomtone_text_messages_total', 'failed'),
      ...told('roomtone_http_requests_total', join),
      ...told('roomtone_http_requests_total', 'status="404"'),
      ...told('roomtone_media_worker_up'),
      ...told('roomtone_media_rooms'),
      ...told('roomtone_media_participants'),
      ...told('roomtone_media_tracks'),
      ...told('roomtone_media_joins_total'),
      ...told('roomtone_media_joins_waiting'),
      ...told('roomtone_media_packets_lost_total'),
      ...told('roomtone_media_packets_dropped_malformed_total'),
      ...told('roomtone_media_packets_dropped_over_rate_total'),
      ...told('roomtone_media_cut_off_total'),
    }).toEqual({
      roomtone_live_rooms: 1,
      roomtone_seats: 2,
      roomtone_event_streams: 1,
      roomtone_text_messages_totalsent: 2,
      roomtone_text_messages_totalfailed: 0,
      [`roomtone_http_requests_total${join}`]: 2,
      'roomtone_http_requests_totalstatus="404"': 1,
      roomtone_media_worker_up: 2,
      roomtone_media_rooms: 1,
      roomtone_media_participants: 2,
      roomtone_media_tracks: 1,
      roomtone_media_joins_total: 2,
      roomtone_media_joins_waiting: 0,
      roomtone_media_packets_lost_total: 0,
      roomtone_media_packets_dropped_malformed_total: 0,
      roomtone_media_packets_dropped_over_rate_total: 0,
      roomtone_media_cut_off_total: 0,
    })
    for (const name of [
      'roomtone_database_wait_seconds_count',
      'roomtone_database_query_seconds_sum',
      'roomtone_media_cpu_seconds_total',
      'roomtone_media_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_heap_size_used_bytes',
    ])
      expect([name, (sumOf(text, name) ?? 0) > 0]).toEqual([name, true])
    const names = [ada.account.handle, ada.account.id, room.id, room.title, joined.you.id, seat.seatId]
    for (const name of ['Ada', 'Ben', '415555', 'RM_', 'PA_', 'nothing-there', ...names])
      expect(text).not.toContain(name)
  })

  it('tells a killed worker as down and then as up, as does the page of the server', async () => {
    const { pid } = workers.workers[0]!
    const up = async () => sumOf(await (await read(server)).text(), 'roomtone_media_worker_up')
    const told = async () => (await call<ServerInfo>(server, 'GET', '/api/server')).body.media.workers
    expect(await told()).toEqual({ all: 2, running: 2 })
    process.kill(pid, 'SIGKILL')
    await eventually(async () => (await told())?.running === 1, {
      withinMs: 3000,
      what: 'one worker is down',
      everyMs: 1,
    })
    expect(await up()).toBe(1)
    await eventually(async () => (await up()) === 2, { withinMs: 10_000, what: 'both run' })
    expect(await told()).toEqual({ all: 2, running: 2 })
  })
})

describe('who may read them', () => {
  const open: { close(): unknown }[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close()
  })
  const start = async (metricsToken?: string, host = '127.0.0.1') => {
    const sms = { door: 'webhook', url: 'http://127.0.0.1:9/', secret: 'x'.repeat(32) } as const
    const server = await startTestServer({ metricsToken, host, sms })
    open.push(server)
    return server
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const forwarded = { 'x-forwarded-for': '203.0.113.9' }

  it('this machine, and through a proxy on it the bearer of the token alone', async () => {
    const server = await start(TOKEN)
    const status = async (headers?: Record<string, string>) => (await read(server, headers)).status
    expect(await status()).toBe(200)
    expect(await status(forwarded)).toBe(401)
    expect(await status({ forwarded: 'for=203.0.113.9' })).toBe(401)
    expect(await status(bearer('wrong'))).toBe(401)
    expect(await status({ ...forwarded, ...bearer('wrong') })).toBe(401)
    expect(await status({ ...forwarded, ...bearer(TOKEN) })).toBe(200)
    const refused = await read(server, forwarded)
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/ROOMTONE_METRICS_TOKEN/) })
    expect((await fetch(`${server.url}/metrics`, { method: 'POST' })).status).toBe(404)
  })

  it('without a token set, no bearer of anything', async () => {
    const server = await start()
    expect((await read(server)).status).toBe(200)
    for (const token of ['undefined', 'null', ''])
      expect((await read(server, { ...forwarded, ...bearer(token) })).status).toBe(401)
  })

  it.skipIf(farSideMissing)(
    `from another machine the bearer of the token alone${farSideMissing ? ` (${farSideMissing})` : ''}`,
    async () => {
      const server = await start(TOKEN, '0.0.0.0')
      const far = await startFarSide(await freePort())
      open.push(far)
      const fromThere = async (headers: Record<string, string> = {}) => {
        const url = `http://${far.address}:${server.port}/metrics`
        const script = `fetch('${url}', { headers: ${JSON.stringify(headers)} }).then(({ status }) => console.log(status))`
        return (await promisify(execFile)(...far.inside([process.execPath, '-e', script]))).stdout.trim()
      }
      expect(await fromThere()).toBe('401')
      expect(await fromThere(bearer('wrong'))).toBe('401')
      expect(await fromThere(bearer(TOKEN))).toBe('200')
      expect((await fetch(`http://127.0.0.1:${server.port}/metrics`)).status).toBe(200)
    },
  )
})
