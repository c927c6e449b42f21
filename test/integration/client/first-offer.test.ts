import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignalResponse } from '@livekit/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../../support/eventually.ts'
import { buildMediaServer, startTestMediaServer, type TestMediaServer } from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'

let server: TestMediaServer
let relay: { url: string; together(): number; close(): Promise<void> }
beforeAll(async () => {
  server = await startTestMediaServer({ entry: buildMediaServer() })
  relay = await startRelay(server.url)
})
afterAll(async () => {
  await relay?.close()
  await server?.close()
})

it('an offer that comes in one packet with the answer to the join is not lost', async () => {
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'first'))
  await speaker.publishTone(440)
  const listener = await joinWrtc(relay.url, await server.token('listener', 'first'))
  await eventually(() => isTone(listener.heardHz('speaker'), 440), { withinMs: 8_000, what: 'the tone' })
  expect(relay.together()).toBe(1)
  await listener.close()
  await speaker.close()
})

/**
 * Carries the signal connection. What comes first, the answer to the join, waits for the offer and goes with it; an
 * offer is never carried a second time, as a server's that is not answered would be.
 */
const startRelay = async (to: string) => {
  let together = 0
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (client, request) => {
    const upstream = new WebSocket(to + request.url)
    const opened = new Promise((resolve) => upstream.once('open', resolve))
    client.on('message', async (data) => {
      await opened
      upstream.send(data)
    })
    client.on('close', () => upstream.close())
    upstream.on('close', () => client.close())
    const offers = new Set<number>()
    let held: Buffer[] | undefined = []
    upstream.on('message', (data: Buffer) => {
      const { message } = SignalResponse.fromBinary(data)
      const isOffer = message.case === 'offer'
      if (isOffer && offers.size === offers.add(message.value.id).size) return
      if (!held) return client.send(data)
      held.push(data)
      if (!isOffer) return
      request.socket.cork()
      for (const one of held) client.send(one)
      request.socket.uncork()
      held = undefined
      together += 1
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    together: () => together,
    close: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
