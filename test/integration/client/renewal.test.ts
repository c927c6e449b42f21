import { connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fileCredentials } from '../../../src/client/credentials.ts'
import { eventually } from '../../support/eventually.ts'
import { enterHere, forget, type Signed, signUp } from '../../support/fault-seat.ts'
import { freePort } from '../../support/free-port.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

/** A way to `port` that breaks at the renewals: the server gets them, and its answers are lost. */
const startLossyWay = async (port: number) => {
  const sockets = new Set<Socket>()
  const way = { losses: 0, isLossy: false }
  const door = createServer((from) => {
    const to = connect(port, '127.0.0.1')
    let isLost = false
    for (const socket of [from, to]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          from.destroy()
          to.destroy()
        })
    }
    from.on('data', (chunk) => {
      isLost ||= way.isLossy && chunk.includes('POST /api/sessions/refresh')
      to.write(chunk)
    })
    to.on('data', (chunk) => {
      if (!isLost) return from.write(chunk)
      way.losses += 1
      from.destroy()
    })
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  return {
    way,
    url: `http://127.0.0.1:${(door.address() as { port: number }).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy()
      door.close()
    },
  }
}

let server: TestServer
let lossy: Awaited<ReturnType<typeof startLossyWay>>
let ana: Signed
beforeAll(async () => {
  const port = await freePort()
  server = await startTestServer({ port, media: 'embedded', settings: { accessTtlMs: 2_000, heartbeatMs: 500 } })
  lossy = await startLossyWay(port)
  ana = await signUp(server, 'Ana', lossy.url)
})
afterAll(async () => {
  lossy.close()
  await forget(ana)
  await server.close()
})

it('a seat stays signed in when the answers to two renewals are lost', async () => {
  const room = await ana.api.call('createRoom', { body: { title: 'Renewal' } })
  const seat = await enterHere(ana, room)
  const credentials = fileCredentials(ana.file)
  const before = await credentials.token()
  lossy.way.isLossy = true
  await eventually(() => lossy.way.losses >= 2, { withinMs: 20_000, what: 'two answers are lost' })
  lossy.way.isLossy = false
  await eventually(async () => (await credentials.token()) !== before, { withinMs: 20_000, what: 'a new token' })
  expect((await ana.api.call('me')).handle).toBe(ana.handle)
  expect(seat.events.map(({ type }) => type)).not.toContain('left')
  expect(seat.see().connection.status).toBe('live')
  await seat.close()
})
