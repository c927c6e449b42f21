import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApi } from '../../../src/client/api.ts'
import { noCredentials } from '../../../src/client/credentials.ts'
import type { RoomEvent } from '../../../src/protocol/events.ts'

// A server that is not ours: what it writes would set the title of a terminal, clear it and paint.
const nasty = 'Ada\u001b]0;owned\u0007 \u009b2J\u001b[31mLove\nlace\u202e'
const event = { roomId: '2f6c1a54-53c2-4a65-8f0e-6a1f0c0b7d01', by: nasty, at: '2026-11-21T19:00:00.000Z' }
const problem = { type: 'urn:roomtone:not-found', title: 'not found', status: 404, code: 'not-found', detail: nasty }

const server = createServer((request, response) => {
  if (request.url?.startsWith('/api/events')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    return void response.write(`id: 1\nevent: room-ended\ndata: ${JSON.stringify(event)}\n\n`)
  }
  response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
})
let api: ReturnType<typeof createApi>
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  api = createApi({ server: `http://127.0.0.1:${port}`, credentials: noCredentials() })
})
afterAll(async () => {
  await api.close()
  server.closeAllConnections()
  server.close()
})

it('comes clean out of answers and events, whatever shows it', async () => {
  await expect(api.call('server')).rejects.toMatchObject({ code: 'not-found', message: 'Ada Love lace' })
  const told = await new Promise<RoomEvent>((resolve) => {
    const subscription = api.subscribe({
      cursor: '0',
      onEvent: (news) => {
        subscription.close()
        resolve(news)
      },
    })
  })
  expect(told).toEqual({ ...event, type: 'room-ended', by: 'Ada Love lace' })
})
