import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { problemSchema } from '../../../src/protocol/problem.ts'
import { type Route, routes } from '../../../src/protocol/routes.ts'
import { startServer } from '../../../src/server/server.ts'
import { call, type Phone, signIn } from '../../support/phones.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

let server: TestServer
let ann: Phone
beforeAll(async () => {
  server = await startTestServer()
  ann = await signIn(server, '+4915100000001', 'Ann')
})
afterAll(async () => server.close())

const raw = async (path: string, init: RequestInit) => {
  const response = await fetch(server.url + path, init)
  const body = await response.json()
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  expect(problemSchema.parse(body)).toMatchObject({ status: response.status })
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\.ts:|at /)
  return body
}
const post = (path: string, body: string, type = 'application/json') =>
  raw(path, { method: 'POST', headers: { 'content-type': type }, body })

describe('a bad request is a problem document that names the field', () => {
  test.each([
    ['an unknown field', '{"phone":"+4915100000001","extra":1}', 'extra'],
    ['a wrong type', '{"phone":5}', 'phone'],
    ['a missing field', '{}', 'phone'],
    ['no number', '{"phone":"hello"}', 'phone'],
    ['malformed JSON', '{"phone":', 'body'],
    ['an array', '[]', 'body'],
    ['null', 'null', 'body'],
    ['nothing', '', 'body'],
    ['a prototype', '{"phone":"+4915100000001","__proto__":{"a":1}}', '__proto__'],
  ])('%s', async (_what, body, field) => {
    expect(await post('/api/logins', body)).toMatchObject({ status: 400, code: 'bad-request', field })
  })

  test('a field inside a body nobody asked for', async () => {
    const answer = await ann.fetch('POST', '/api/rooms/00000000-0000-4000-8000-000000000000/end', { now: true })
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request', field: 'now' } })
  })

  test('an unknown part of the query', async () => {
    expect(await ann.fetch('GET', '/api/rooms?colour=red')).toMatchObject({ status: 400, body: { field: 'colour' } })
    expect(await ann.fetch('GET', '/api/rooms?limit=many')).toMatchObject({ status: 400, body: { field: 'limit' } })
  })

  test('another content type', async () => {
    expect(await post('/api/logins', 'phone=1', 'application/x-www-form-urlencoded')).toMatchObject({ status: 415 })
    expect(await post('/api/logins', 'phone', 'text/plain')).toMatchObject({ status: 415 })
  })

  test('a body beyond 64 KB', async () => {
    const answer = await post('/api/logins', JSON.stringify({ phone: 'x'.repeat(70_000) }))
    expect(answer).toMatchObject({ status: 413, code: 'too-large' })
  })

  test('a route that is not there, a method that is not', async () => {
    expect(await raw('/api/nowhere', {})).toMatchObject({ status: 404, code: 'not-found' })
    expect(await raw('/api/me', { method: 'PUT' })).toMatchObject({ status: 405 })
    expect((await fetch(`${server.url}/api/logins`)).headers.get('allow')).toBe('POST')
    expect(await raw('/%ff%fe', {})).toMatchObject({ status: 400 })
  })

  test('an id that is none', async () => {
    expect(await ann.fetch('DELETE', '/api/sessions/not-an-id')).toMatchObject({ status: 404 })
    expect(await ann.fetch('DELETE', '/api/tokens/a%00b')).toMatchObject({ status: 404 })
  })
})

test('text and cursors that no store takes fail as a request, not as the server', async () => {
  const refused = async (path: string) => (await ann.fetch('GET', path)).body as { code: string; field: string }
  expect(await ann.fetch('GET', '/api/rooms?search=%00')).toMatchObject({ status: 200 })
  expect(await refused(`/api/rooms?cursor=1.${'-'.repeat(36)}`)).toMatchObject({ code: 'bad-request', field: 'cursor' })
  const cohosts = async (handle: string) => ann.fetch('POST', '/api/rooms', { title: 'x', cohosts: [handle] })
  expect(await cohosts('a\u0000b')).toMatchObject({ status: 404, body: { code: 'not-found', field: 'cohosts' } })
  const half = await ann.fetch<{ name: string; account: { name: string } }>('POST', '/api/tokens', { name: 'a\ud800b' })
  expect(half.body).toMatchObject({ name: 'ab', account: { name: 'ab' } })
  expect(server.logs.filter(({ event }) => event === 'request-failed')).toEqual([])
})

test('every route of the table answers, and none that needs a sign-in without one', async () => {
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const path = route.path.replace(/:\w+/g, '00000000-0000-4000-8000-000000000000')
    for (const token of [undefined, 'nonsense', 'rts_nonsense', 'rta_nonsense']) {
      const answer = await call(server, route.method, path, route.body ? {} : undefined, token)
      if (route.auth === 'none') expect(answer.status, name).not.toBe(401)
      else expect(answer, name).toMatchObject({ status: 401, body: { code: 'sign-in-needed' } })
    }
  }
})

test('the OpenAPI document holds every route', async () => {
  const { body } = await call<{ openapi: string; paths: Record<string, Record<string, { operationId: string }>> }>(
    server,
    'GET',
    '/api/openapi.json',
  )
  expect(body.openapi).toBe('3.1.0')
  const operations = Object.values(body.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  expect(operations.sort()).toEqual(Object.keys(routes).sort())
})

test('about this server', async () => {
  expect((await call(server, 'GET', '/api/server')).body).toMatchObject({
    name: 'roomtone',
    store: 'pglite',
    sms: { door: 'outbox', gateway: false },
    media: { isEmbedded: false },
    liveRooms: 0,
  })
})

test('a flood from one address is slowed down', async () => {
  const small = await startTestServer({ settings: { requestsPerAddress: { burst: 5, perSecond: 1 } } })
  const answers = await Promise.all(Array.from({ length: 10 }, () => call(small, 'GET', '/api/server')))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(5)
  expect(answers.find(({ status }) => status === 429)?.body).toMatchObject({ code: 'rate-limited' })
  await small.close()
})

test('the calls of the media server and to it are not counted with those of people, forged ones from elsewhere are', async () => {
  const small = await startTestServer({ settings: { requestsPerAddress: { burst: 5, perSecond: 0.01 } } })
  const hook = (headers = {}) =>
    fetch(`${small.url}/api/webhooks/livekit`, { method: 'POST', body: '{}', headers }).then(({ status }) => status)
  const own = await Promise.all(Array.from({ length: 20 }, () => hook()))
  expect(own).toEqual(own.map(() => 401))
  expect((await call(small, 'GET', '/api/server')).status).toBe(200)
  const forwarded = await Promise.all(Array.from({ length: 20 }, () => hook({ 'x-forwarded-for': '203.0.113.5' })))
  expect(forwarded.filter((status) => status === 401)).toHaveLength(4)
  expect(forwarded.filter((status) => status === 429)).toHaveLength(16)
  await small.close()
})

test('a flood from one account is slowed down, others go on', async () => {
  const small = await startTestServer({ settings: { requestsPerAccount: { burst: 3, perSecond: 1 } } })
  const [bea, cem] = [await signIn(small, '+4915100000002', 'Bea'), await signIn(small, '+4915100000003', 'Cem')]
  const answers = await Promise.all(Array.from({ length: 6 }, () => bea.fetch('GET', '/api/me')))
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(3)
  expect((await cem.fetch('GET', '/api/me')).status).toBe(200)
  await small.close()
})

test('closing ends kept connections at once', async () => {
  const other = await startTestServer()
  await call(other, 'GET', '/api/server')
  const idle = connect(other.port, '127.0.0.1')
  await new Promise((resolve) => idle.once('connect', resolve))
  const ended = new Promise((resolve) => idle.once('close', resolve))
  idle.on('error', () => {})
  const before = performance.now()
  await other.close()
  await ended
  expect(performance.now() - before).toBeLessThan(5_000)
})

const say = (bytes: string) =>
  new Promise<string>((resolve) => {
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(answer))
    socket.write(bytes)
  })

test('what is no HTTP, and an upgrade that nobody takes, end that connection alone', async () => {
  const nonsense = await say('\u0000\u0001nonsense\r\n\r\n')
  expect(nonsense).toMatch(/^HTTP\/1.1 400 /)
  expect(problemSchema.parse(JSON.parse(nonsense.split('\r\n\r\n')[1] as string)).code).toBe('bad-request')
  const upgrade = 'GET /rtc HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
  expect(await say(upgrade)).toMatch(/^HTTP\/1.1 404 /)
  expect((await call(server, 'GET', '/api/server')).status).toBe(200)
})

const plain = (over: Partial<Parameters<typeof startServer>[0]>) => ({
  host: '127.0.0.1',
  port: 0,
  version: '0',
  store: { dataDir: server.data.folder },
  media: { url: 'ws://127.0.0.1:9', apiKey: 'k', apiSecret: 's' },
  sms: { door: 'console' } as const,
  log: () => {},
  ...over,
})

describe('a server that cannot start says why in one sentence', () => {
  test('its data folder is in use', async () => {
    await expect(startServer(plain({}))).rejects.toMatchObject({
      code: 'data-in-use',
      message: `The data folder ${server.data.folder} is in use by another roomtone server (process ${process.pid}).`,
    })
  })

  test('the port is taken, and the data folder is free again', async () => {
    const other = await startTestServer()
    await other.stop()
    const start = () => startTestServer({ data: other.data, port: server.port })
    for (let i = 0; i < 2; i++) await expect(start()).rejects.toMatchObject({ code: 'port-taken' })
    await other.close()
  })

  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.org'])('codes shown here while listening on %s', async (host) => {
    for (const sms of [{ door: 'console' } as const, { door: 'outbox', path: '/tmp/never' } as const]) {
      await expect(startServer(plain({ host, sms }))).rejects.toMatchObject({ code: 'bad-input' })
    }
  })

  test('an operator that is no number, a range that is none', async () => {
    const other = await startTestServer()
    await other.stop()
    await expect(startTestServer({ data: other.data, operatorPhone: 'me' })).rejects.toMatchObject({
      code: 'bad-input',
    })
    const settings = { sharedAddresses: ['campus'] }
    await expect(startTestServer({ data: other.data, settings })).rejects.toMatchObject({ code: 'bad-input' })
    await other.close()
  })
})
