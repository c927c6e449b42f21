import { createSocket } from 'node:dgram'
import { DisconnectReason } from '@livekit/protocol'
import { afterEach, expect, test } from 'vitest'
import { placeOf } from '../../../src/sfu/workers.ts'
import { eventually } from '../../support/eventually.ts'
import { API_KEY, API_SECRET, buildMediaServer, startTestMediaWorkers } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { openRawSignal } from '../../support/raw-signal.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'

const entry = buildMediaServer()
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

/** Two workers, and a room on each. */
const start = async () => {
  const server = await startTestMediaWorkers({ entry, workers: 2 })
  open.push(server)
  const names = Array.from({ length: 20 }, (_, index) => `room-${index}`)
  const [first, second] = [0, 1].map((place) => names.find((name) => placeOf(name, 2) === place)!) as [string, string]
  return { server, first, second }
}
type Server = Awaited<ReturnType<typeof start>>['server']

const roomsOfEach = async (server: Server) => (await server.media.metrics()).map((counts) => counts?.rooms)

const talk = async (server: Server, room: string, hz: number) => {
  const speaker = await joinWrtc(server.url, await server.token('speaker', room), { comesBack: true })
  const listener = await joinWrtc(server.url, await server.token('listener', room), { comesBack: true })
  open.push(speaker, listener)
  await speaker.publishTone(hz)
  const hears = (withinMs: number, what: string) =>
    eventually(() => isTone(listener.heardHz('speaker'), hz), { withinMs, what })
  await hears(8000, `${hz} Hz in ${room}`)
  return { speaker, listener, hears }
}

test('rooms live whole on one worker each, and RoomService finds them', async () => {
  const { server, first, second } = await start()
  await talk(server, first, 440)
  await talk(server, second, 880)
  expect(await roomsOfEach(server)).toEqual([1, 1])
  expect(new Set(server.media.workers.map(({ port }) => port)).size).toBe(2)

  expect((await server.rooms.listRooms()).map(({ name }) => name).sort()).toEqual([first, second].sort())
  expect((await server.rooms.listRooms([second])).map(({ name }) => name)).toEqual([second])
  for (const room of [first, second]) {
    expect((await server.rooms.listParticipants(room)).map(({ identity }) => identity).sort()).toEqual([
      'listener',
      'speaker',
    ])
    await server.rooms.removeParticipant(room, 'speaker')
    expect((await server.rooms.listParticipants(room)).length).toBe(1)
    await server.rooms.deleteRoom(room)
  }
  expect(await server.rooms.listRooms()).toEqual([])
  await server.rooms.createRoom({ name: second })
  expect(await roomsOfEach(server)).toEqual([0, 1])
})

test.each<[what: string, signal: NodeJS.Signals, backWithinMs: number]>([
  [
    'a killed worker is replaced: its people are back within ten seconds, the others are not told of anything',
    'SIGKILL',
    10_000,
  ],
  // As many seconds of silence as it may have, then the same.
  ['so is one that hangs', 'SIGSTOP', 18_000],
])('%s', async (_what, signal, backWithinMs) => {
  const { server, first, second } = await start()
  const hit = await talk(server, first, 440)
  const spared = await talk(server, second, 880)
  const { pid, port } = server.media.workers[0]!

  process.kill(pid, signal)
  const killedAt = performance.now()
  const left = () => Math.max(0, backWithinMs - (performance.now() - killedAt))
  const before = spared.listener.events.length
  await eventually(() => server.media.workers[0]!.pid !== pid, { withinMs: left(), what: 'another worker runs' })
  expect(server.media.workers[0]!.port).toBe(port)
  // Counted by the new worker: sound that was heard before the kill cannot be mistaken for it.
  await eventually(async () => ((await server.media.metrics())[0]?.packetsOut ?? 0) > 50, {
    withinMs: left(),
    what: 'sound in the killed room again',
  })
  console.log(`back after ${signal}: ${Math.round(performance.now() - killedAt)} ms`)
  await hit.hears(2000, 'the tone in the killed room again')
  expect(spared.listener.events.slice(before).filter(({ type }) => /reconnect|disconnect|ended/.test(type))).toEqual([])
  expect(isTone(spared.listener.heardHz('speaker'), 880)).toBe(true)
  expect(await roomsOfEach(server)).toEqual([1, 1])
})

test('a token that cannot be read is refused as by one server', async () => {
  const { server } = await start()
  await expect(openRawSignal(server.url, 'no.token.atall')).rejects.toThrow('401')
  const answer = await fetch(`${server.httpUrl}/rtc/validate?access_token=x`)
  expect([answer.status, await answer.text()]).toEqual([401, 'the access token is not valid here'])
  const twirp = await fetch(`${server.httpUrl}/twirp/livekit.RoomService/ListRooms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(twirp.status).toBe(401)
})

test('the second seat of a person in a room takes the place of the first, over two workers too', async () => {
  const { server, second } = await start()
  const one = await openRawSignal(server.url, await server.token('same', second))
  const two = await openRawSignal(server.url, await server.token('same', second))
  open.push(two)
  await eventually(() => one.leave()?.reason === DisconnectReason.DUPLICATE_IDENTITY, {
    withinMs: 2000,
    what: 'the first is told',
  })
})

test('a fixed port is the first of as many in a row; a taken one stops all', async () => {
  const blocker = createSocket('udp4')
  await new Promise<void>((resolve) => blocker.bind(0, '127.0.0.1', resolve))
  open.push(blocker)
  const taken = blocker.address().port
  const options = { entry, apiKey: API_KEY, apiSecret: API_SECRET, workers: 2 }
  await expect(startTestMediaWorkers({ ...options, port: taken - 1 })).rejects.toMatchObject({ code: 'port_taken' })
})
