import { RoomServiceClient } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ServerInfo } from '../../../src/protocol/server.ts'
import { API_KEY, API_SECRET } from '../../support/media-server.ts'
import { call } from '../../support/phones.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ media: 'embedded' })
})
afterAll(async () => server.close())

test('one listener carries the API and the embedded media server', async () => {
  const { body } = await call<ServerInfo>(server, 'GET', '/api/server')
  expect(body.media).toMatchObject({ url: server.url.replace('http', 'ws'), isEmbedded: true, watch: 'webhooks' })
  const rooms = new RoomServiceClient(server.url, API_KEY, API_SECRET)
  await rooms.createRoom({ name: 'one' })
  expect((await rooms.listRooms()).map(({ name }) => name)).toEqual(['one'])
  expect((await fetch(`${server.url}/rtc/validate`)).status).toBe(401)
})

test('a signal socket reaches the media server, which refuses it without a token', async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/rtc?access_token=nonsense`)
  const end = await new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode))
    socket.once('close', (code) => resolve(code))
    socket.once('error', (error) => resolve(error.message))
  })
  expect(end).toBe(401)
})
