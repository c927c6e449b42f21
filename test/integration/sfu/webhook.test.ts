import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebhookReceiver } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import {
  API_KEY,
  API_SECRET,
  buildMediaServer,
  startTestMediaServer,
  type TestMediaServer,
} from '../../support/media-server.ts'
import { joinRtcNode } from '../../support/rtc-node.ts'

type Told = { event: string; identity: string | undefined; room: string }
const told: Told[] = []
const receiver = new WebhookReceiver(API_KEY, API_SECRET)
let failures = 0
const hook = createServer(async (req, res) => {
  let body = ''
  for await (const chunk of req) body += chunk
  // The first delivery fails, and must be tried again before the next event goes out.
  if (told.length === 1 && failures === 0) {
    failures += 1
    res.writeHead(500).end()
    return
  }
  const event = await receiver.receive(body, req.headers.authorization)
  told.push({ event: event.event, identity: event.participant?.identity, room: event.room!.name })
  res.end()
})

let server: TestMediaServer
beforeAll(async () => {
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const webhookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`
  server = await startTestMediaServer({ entry: buildMediaServer(), webhookUrl })
})
afterAll(async () => {
  await server?.close()
  hook.closeAllConnections()
  hook.close()
})

test('what happens in a room is told in order, signed, and again when it failed', async () => {
  await server.rooms.createRoom({ name: 'told', departureTimeout: 1, metadata: 'm' })
  const [room] = await server.rooms.listRooms(['told'])
  expect(room).toMatchObject({ metadata: 'm', departureTimeout: 1, numParticipants: 0 })
  const speaker = await joinRtcNode(server.url, await server.token('speaker', 'told'))
  await speaker.publishTone(440)
  await eventually(() => told.length >= 3, { withinMs: 5000, what: 'three events' })
  await speaker.close()
  await eventually(() => told.at(-1)?.event === 'room_finished', { withinMs: 15_000, what: 'the room is finished' })
  expect(told.map(({ event }) => event)).toEqual([
    'room_started',
    'participant_joined',
    'track_published',
    'track_unpublished',
    'participant_left',
    'room_finished',
  ])
  expect(told[1]).toEqual({ event: 'participant_joined', identity: 'speaker', room: 'told' })
  expect(failures).toBe(1)
  expect(await server.rooms.listRooms(['told'])).toEqual([])
})

test('the RoomService changes names, metadata and attributes, and refuses other tokens', async () => {
  const peer = await joinRtcNode(server.url, await server.token('person', 'service', { name: 'Before' }))
  await server.rooms.updateParticipant('service', 'person', {
    name: 'After',
    metadata: 'x',
    attributes: { hand: 'up' },
  })
  const info = await server.rooms.getParticipant('service', 'person')
  expect(info).toMatchObject({ name: 'After', metadata: 'x', attributes: { hand: 'up' } })
  await eventually(() => peer.room.localParticipant!.name === 'After', {
    withinMs: 2000,
    what: 'the person sees the name',
  })
  await server.rooms.updateRoomMetadata('service', 'topic')
  await eventually(() => peer.room.metadata === 'topic', { withinMs: 2000, what: 'the person sees the metadata' })
  expect((await server.rooms.listParticipants('service')).map(({ identity }) => identity)).toEqual(['person'])

  const token = await server.token('person', 'service')
  const answer = await fetch(`${server.httpUrl}/twirp/livekit.RoomService/ListRooms`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  })
  expect([answer.status, codeOf(await answer.json())]).toEqual([401, 'unauthenticated'])
  const malformed = await fetch(`${server.httpUrl}/twirp/livekit.RoomService/ListRooms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  })
  expect([malformed.status, codeOf(await malformed.json())]).toEqual([400, 'malformed'])
  const unknown = await fetch(`${server.httpUrl}/twirp/livekit.RoomService/SendData`, { method: 'POST', body: '{}' })
  expect([unknown.status, codeOf(await unknown.json())]).toEqual([501, 'unimplemented'])
  await peer.close()
})

const codeOf = (body: unknown): string => (body as { code: string }).code
