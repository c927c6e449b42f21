import pg from 'pg'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { AccessToken, CreatedToken, Credentials, Session } from '../../../src/protocol/accounts.ts'
import type { Problem } from '../../../src/protocol/problem.ts'
import { eventually } from '../../support/eventually.ts'
import { call, signIn } from '../../support/phones.ts'
import {
  closeStores,
  startTestServer,
  storeMissing,
  stores,
  type TestServer,
  type TestServerOptions,
} from '../../support/server.ts'

afterAll(closeStores)

describe.each(stores)('sessions and access tokens on %s', (store) => {
  const it = storeMissing(store) ? test.skip : test
  let server: TestServer
  const start = async (options: TestServerOptions = {}) => {
    server = await startTestServer({ store, ...options })
  }
  afterEach(async () => server?.close())

  const refresh = (refreshToken: string) =>
    call<Credentials & Problem>(server, 'POST', '/api/sessions/refresh', { refreshToken })
  const me = (token: string) => call<Problem & { id: string }>(server, 'GET', '/api/me', undefined, token)

  it('an access token lasts an hour, a refresh token gives the next', async () => {
    let now = Date.now()
    await start({ now: () => now })
    const { credentials } = await signIn(server, '+4915100000001', 'Ann')
    now += 3_600_000
    expect(await me(credentials.accessToken)).toMatchObject({ status: 401, body: { code: 'token-expired' } })
    const next = await refresh(credentials.refreshToken)
    expect(next).toMatchObject({ status: 200, body: { sessionId: credentials.sessionId, isNew: false } })
    expect((await me(next.body.accessToken)).status).toBe(200)
    now += 31 * 86_400_000
    expect((await me(next.body.accessToken)).body.code).toBe('token-expired')
    expect((await refresh(next.body.refreshToken)).body.code).toBe('token-expired')
  })

  it('a refresh token shown twice ends the session for both', async () => {
    await start()
    const { credentials } = await signIn(server, '+4915100000001', 'Ann')
    const next = (await refresh(credentials.refreshToken)).body
    expect(await refresh(credentials.refreshToken)).toMatchObject({ status: 401, body: { code: 'token-reused' } })
    expect((await me(next.accessToken)).body.code).toBe('sign-in-needed')
    expect((await refresh(next.refreshToken)).body.code).toBe('sign-in-needed')
  })

  it('the same trade asked for again, its answer lost, is answered until what it gave is traded', async () => {
    await start()
    const { credentials } = await signIn(server, '+4915100000001', 'Ann')
    const tradeId = crypto.randomUUID()
    const trade = (refreshToken: string, id?: string) =>
      call<Credentials & Problem>(server, 'POST', '/api/sessions/refresh', { refreshToken, tradeId: id })
    const lost = (await trade(credentials.refreshToken, tradeId)).body
    const again = await trade(credentials.refreshToken, tradeId)
    expect(again).toMatchObject({ status: 200, body: { sessionId: credentials.sessionId } })
    expect((await me(again.body.accessToken)).status).toBe(200)
    const third = await trade(credentials.refreshToken, tradeId)
    expect(third.status).toBe(200)
    // What was lost is nobody's: whoever shows it has overheard it.
    expect((await trade(lost.refreshToken)).body.code).toBe('sign-in-needed')
    const next = await trade(third.body.refreshToken, crypto.randomUUID())
    expect(next.status).toBe(200)
    expect((await trade(credentials.refreshToken, tradeId)).body.code).toBe('token-reused')
    expect((await me(next.body.accessToken)).status).toBe(401)
  })

  it('another trade with the same refresh token ends the session', async () => {
    await start()
    const { credentials } = await signIn(server, '+4915100000001', 'Ann')
    const trade = () =>
      call<Credentials & Problem>(server, 'POST', '/api/sessions/refresh', {
        refreshToken: credentials.refreshToken,
        tradeId: crypto.randomUUID(),
      })
    const first = await trade()
    expect(first.status).toBe(200)
    expect((await trade()).body.code).toBe('token-reused')
    expect((await me(first.body.accessToken)).status).toBe(401)
  })

  it('of 20 trades of one refresh token at once one wins, and the session ends', async () => {
    await start()
    const { credentials } = await signIn(server, '+4915100000001', 'Ann')
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(credentials.refreshToken)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'token-reused')).toHaveLength(1)
    expect((await me(credentials.accessToken)).status).toBe(401)
  })

  it('sessions are listed and revoked: one, this one, all', async () => {
    await start()
    const people = []
    for (let i = 0; i < 4; i++) people.push(await signIn(server, '+4915100000001', 'Ann'))
    const [a, b, c, d] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0], (typeof people)[0]]
    const list = async () => (await a.fetch<{ sessions: Session[] }>('GET', '/api/sessions')).body.sessions
    const before = await list()
    expect(before).toHaveLength(4)
    expect(before.find(({ isCurrent }) => isCurrent)?.id).toBe(a.credentials.sessionId)
    expect((await a.fetch('DELETE', `/api/sessions/${b.credentials.sessionId}`)).status).toBe(204)
    expect((await b.fetch('GET', '/api/me')).status).toBe(401)
    expect((await c.fetch('DELETE', '/api/sessions/current')).status).toBe(204)
    expect((await c.fetch('GET', '/api/me')).status).toBe(401)
    expect(await list()).toHaveLength(2)
    expect((await a.fetch('DELETE', `/api/sessions/${crypto.randomUUID()}`)).status).toBe(404)
    expect((await a.fetch('DELETE', '/api/sessions')).status).toBe(204)
    for (const person of [a, d]) expect((await person.fetch('GET', '/api/me')).status).toBe(401)
  })

  it("nobody ends another's session", async () => {
    await start()
    const ann = await signIn(server, '+4915100000001', 'Ann')
    const bob = await signIn(server, '+4915100000002', 'Bob')
    expect((await bob.fetch('DELETE', `/api/sessions/${ann.credentials.sessionId}`)).status).toBe(404)
    expect((await ann.fetch('GET', '/api/me')).status).toBe(200)
  })

  it('a name is changed, the handle stays', async () => {
    await start()
    const ann = await signIn(server, '+4915100000001', 'Ann')
    const edited = await ann.fetch('PATCH', '/api/me', { name: 'Anna \u001b[31mRed\u202e' })
    expect(edited.body).toEqual({ ...ann.account, name: 'Anna Red' })
  })

  it('an access token is a bot account of its maker until it is revoked', async () => {
    await start()
    const ann = await signIn(server, '+4915100000001', 'Ann')
    const made = await ann.fetch<CreatedToken>('POST', '/api/tokens', { name: 'Radio One' })
    expect(made).toMatchObject({
      status: 201,
      body: { account: { kind: 'bot', handle: 'radio_one', isOperator: false } },
    })
    const { token, account } = made.body
    expect((await me(token)).body).toEqual(account)
    expect((await call(server, 'GET', '/api/sessions', undefined, token)).status).toBe(403)
    expect((await call(server, 'POST', '/api/tokens', { name: 'x' }, token)).status).toBe(403)
    const { tokens } = (await ann.fetch<{ tokens: AccessToken[] }>('GET', '/api/tokens')).body
    expect(tokens).toMatchObject([{ name: 'Radio One', handle: 'radio_one' }])
    expect(JSON.stringify(tokens)).not.toContain(token)
    expect((await ann.fetch('DELETE', '/api/tokens/Radio%20One')).status).toBe(204)
    expect((await me(token)).body.code).toBe('sign-in-needed')
    expect((await ann.fetch('DELETE', '/api/tokens/Radio%20One')).status).toBe(404)
    const again = await ann.fetch<CreatedToken>('POST', '/api/tokens', { name: 'Radio One' })
    expect(again.body.account).toEqual(account)
    expect(again.body.token).not.toBe(token)
  })

  it('names of access tokens are unique for their maker, and bounded, also at once', async () => {
    await start({ settings: { tokensPerAccount: 3 } })
    const ann = await signIn(server, '+4915100000001', 'Ann')
    const same = await Promise.all([1, 2, 3].map(() => ann.fetch<Problem>('POST', '/api/tokens', { name: 'bot' })))
    expect(same.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    const others = await Promise.all([1, 2, 3, 4].map((i) => ann.fetch('POST', '/api/tokens', { name: `bot ${i}` })))
    expect(others.filter(({ status }) => status === 201)).toHaveLength(2)
    const bob = await signIn(server, '+4915100000002', 'Bob')
    expect((await bob.fetch('POST', '/api/tokens', { name: 'bot' })).status).toBe(201)
  })

  it('bots whose token was revoked count to the end: their names may be taken again, and no others', async () => {
    await start({ settings: { botsPerAccount: 2 } })
    const ann = await signIn(server, '+4915100000001', 'Ann')
    const make = (name: string) => ann.fetch<Problem>('POST', '/api/tokens', { name })
    for (const name of ['one', 'two']) {
      expect((await make(name)).status).toBe(201)
      expect((await ann.fetch('DELETE', `/api/tokens/${name}`)).status).toBe(204)
    }
    expect(await make('three')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('2 bots') } })
    expect((await make('one')).status).toBe(201)
  })

  // Its tables can be looked at past the server.
  if (store === 'postgresql')
    it('spent refresh tokens are forgotten when they would have expired', async () => {
      let now = Date.now()
      await start({ now: () => now })
      const database = new pg.Client({ connectionString: server.data.databaseUrl })
      await database.connect()
      try {
        const { credentials } = await signIn(server, '+4915100000001', 'Ann')
        const second = (await refresh(credentials.refreshToken)).body
        now += 20 * 86_400_000
        await refresh(second.refreshToken)
        now += 11 * 86_400_000
        await server.stop()
        server = await startTestServer({ store, data: server.data, now: () => now, settings: { sweepMs: 50 } })
        const spent = async () => (await database.query('select spent_at from session_spent')).rows.length
        await eventually(async () => (await spent()) === 1, { withinMs: 10_000, what: 'the first is forgotten' })
        expect(await refresh(second.refreshToken)).toMatchObject({ status: 401, body: { code: 'token-reused' } })
      } finally {
        await database.end()
      }
    })

  it('beyond the bound of sessions the one longest unused ends', async () => {
    let now = Date.now()
    await start({ now: () => now, settings: { sessionsPerAccount: 2 } })
    const people = []
    for (let i = 0; i < 3; i++) {
      people.push(await signIn(server, '+4915100000001', 'Ann'))
      now += 1_000
    }
    const statuses = await Promise.all(people.map(async (person) => (await person.fetch('GET', '/api/me')).status))
    expect(statuses).toEqual([401, 200, 200])
  })
})
