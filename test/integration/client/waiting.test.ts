import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { startSession } from '../../../src/client/session.ts'
import type { Session } from '../../../src/client/session-contract.ts'
import { eventually } from '../../support/eventually.ts'

let server: Server
let session: Session
afterEach(async () => {
  await session?.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** A media server that sends everybody away for a while. */
const startFull = async (headers: string) => {
  let asked = 0
  server = createServer((_, response) => response.end('success'))
  server.on('upgrade', (_, socket) => {
    asked += 1
    socket.end(`HTTP/1.1 503 Service Unavailable\r\n${headers}content-length: 0\r\n\r\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
}
const join = (url: string) => {
  const waiting: string[] = []
  session = startSession({
    target: { url, token: 'a token' },
    source: null,
    sink: null,
    isDevice: false,
    onWaiting: (message) => waiting.push(message),
  })
  return waiting
}

it.each(['retry-after: 1\r\n', `retry-after: ${new Date(Date.now() + 2_000).toUTCString()}\r\n`, ''])(
  'says once that it waits where there is no place for now, and asks again (%j)',
  async (headers) => {
    const { url, asked } = await startFull(headers)
    const waiting = join(url)
    await eventually(() => asked() > 2, { withinMs: 15_000, what: 'asked again and again' })
    expect(waiting).toEqual([`The media server at ${url} has no place now (HTTP 503). Waiting for a place.`])
  },
)

it('ends at once where the place comes later than it would wait', async () => {
  const { url, asked } = await startFull('retry-after: 60\r\n')
  const waiting = join(url)
  await expect(session.joined).rejects.toMatchObject({
    code: 'media-unavailable',
    message: `The media server at ${url} has no place now (HTTP 503).`,
  })
  expect({ waiting, asked: asked() }).toEqual({ waiting: [], asked: 1 })
})
