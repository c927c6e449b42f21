import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { LoginStarted } from '../../../src/protocol/accounts.ts'
import { eventually } from '../../support/eventually.ts'
import { call, signIn } from '../../support/phones.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

type Gateway = { url: string; seen: { headers: IncomingHttpHeaders; body: string }[]; close(): Promise<void> }

// A gateway that answers with `status`, or never with 0.
const startGateway = async (status: number): Promise<Gateway> => {
  const seen: Gateway['seen'] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ headers: request.headers, body })
    if (status) response.writeHead(status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms`, seen, close }
}

let server: TestServer | undefined
let gateway: Gateway | undefined
afterEach(async () => {
  await gateway?.close()
  await server?.close()
  server = undefined
  gateway = undefined
})

const secret = 'shared with the gateway'
const startWith = async (url: string) => {
  server = await startTestServer({ sms: { door: 'webhook', url, secret } })
  return call<LoginStarted>(server, 'POST', '/api/logins', { phone: '+4915100000001' })
}

test('a message to a gateway is signed, time-stamped and named by an id', async () => {
  gateway = await startGateway(200)
  const { body: login } = await startWith(gateway.url)
  const request = await eventually(() => gateway?.seen[0], { withinMs: 5_000, what: 'a message' })
  const { headers, body } = request as Gateway['seen'][number]
  const at = String(headers['roomtone-timestamp'])
  const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
  expect(headers['roomtone-signature']).toBe(`sha256=${signature}`)
  expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000)
  const message = JSON.parse(body)
  expect(message).toEqual({
    id: login.loginId,
    at,
    to: '+4915100000001',
    text: expect.stringMatching(/^\d{6} is your/),
  })
  expect(headers['idempotency-key']).toBe(message.id)
  const verified = await call(server as TestServer, 'POST', `/api/logins/${login.loginId}/verify`, {
    code: message.text.slice(0, 6),
  })
  expect(verified.status).toBe(200)
})

test.each([
  ['refuses', 500],
  ['redirects', 302],
  ['hangs', 0],
  ['is not there', -1],
])(
  'a gateway that %s changes nothing in the answer, gets the message once, and is logged without the number',
  async (what, status) => {
    gateway = status < 0 ? undefined : await startGateway(status)
    const answer = await startWith(gateway?.url ?? 'http://127.0.0.1:9/sms')
    expect(answer.status).toBe(202)
    expect(Object.keys(answer.body).sort()).toEqual(['expiresAt', 'loginId', 'resendAfterMs'])
    if (gateway) await eventually(() => gateway?.seen.length === 1, { withinMs: 5_000, what: 'the message arrives' })
    await gateway?.close()
    const logs = server?.logs ?? []
    const failure = await eventually(() => logs.find(({ event }) => event === 'sms-failed'), {
      withinMs: 10_000,
      what: `a log entry that the gateway ${what}`,
    })
    expect(failure).toMatchObject({ door: 'webhook', id: answer.body.loginId })
    expect(JSON.stringify(logs)).not.toContain('15100000001')
    expect(gateway?.seen.length ?? 1).toBe(1)
  },
)

test('an outbox is readable by its owner alone, one whole line a message', async () => {
  server = await startTestServer()
  const running = server
  await Promise.all(Array.from({ length: 10 }, (_, i) => signIn(running, `+491510000001${i}`, 'Ann')))
  expect(running.outbox()).toHaveLength(10)
  for (const message of running.outbox()) {
    expect(Object.keys(message)).toEqual(['id', 'at', 'to', 'text'])
    expect(new Date(message.at).toISOString()).toBe(message.at)
  }
  expect(statSync(`${running.data.folder}/outbox.jsonl`).mode & 0o777).toBe(0o600)
  expect(statSync(`${running.data.folder}/server.key`).mode & 0o777).toBe(0o600)
})

test('an outbox that can be written no more changes nothing in the answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-outbox-'))
  server = await startTestServer({ sms: { door: 'outbox', path: join(folder, 'outbox.jsonl') } })
  rmSync(folder, { recursive: true })
  const answer = await call(server, 'POST', '/api/logins', { phone: '+4915100000001' })
  expect(answer.status).toBe(202)
  expect(server.logs.find(({ event }) => event === 'sms-failed')).toMatchObject({ door: 'outbox', cause: 'ENOENT' })
})
