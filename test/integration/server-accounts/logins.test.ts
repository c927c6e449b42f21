import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { credentialsSchema, type LoginStarted, loginStartedSchema } from '../../../src/protocol/accounts.ts'
import type { Problem } from '../../../src/protocol/problem.ts'
import { call, lastCode, signIn } from '../../support/phones.ts'
import {
  closeStores,
  startTestServer,
  storeMissing,
  stores,
  type TestServer,
  type TestServerOptions,
} from '../../support/server.ts'

afterAll(closeStores)

describe.each(stores)('signing in on %s', (store) => {
  const missing = storeMissing(store)
  const it = missing ? test.skip : test
  let server: TestServer
  const start = async (options: TestServerOptions = {}) => {
    server = await startTestServer({ store, ...options })
    return server
  }
  afterEach(async () => server?.close())

  const startLogin = (phone: string) => call<LoginStarted & Problem>(server, 'POST', '/api/logins', { phone })
  const verify = (loginId: string, code: string, name?: string) =>
    call<Problem>(server, 'POST', `/api/logins/${loginId}/verify`, { code, name })

  it('gives an account with a handle made from the name, and the same account again', async () => {
    await start()
    const ann = await signIn(server, '+4915100000001', 'Ann Lee')
    expect(credentialsSchema.parse(ann.credentials)).toMatchObject({ isNew: true, account: { handle: 'ann_lee' } })
    const again = await signIn(server, '+4915100000001')
    expect(again.credentials.isNew).toBe(false)
    expect(again.account).toEqual(ann.account)
    expect((await ann.fetch('GET', '/api/me')).body).toEqual(ann.account)
  })

  it('gives everybody a handle of their own, also when they come at once', async () => {
    await start()
    const people = await Promise.all(
      Array.from({ length: 12 }, (_, i) => signIn(server, `+49151000001${10 + i}`, 'Sam Same')),
    )
    expect(new Set(people.map((person) => person.account.handle)).size).toBe(12)
  })

  it('makes one account of two first logins of a number at once', async () => {
    await start()
    const phone = '+4915100000002'
    const logins = [(await startLogin(phone)).body, (await startLogin(phone)).body]
    const codes = server.outbox().map(({ text }) => text.slice(0, 6))
    const answers = await Promise.all(
      logins.map(({ loginId }, i) =>
        call<{ account: { id: string } }>(server, 'POST', `/api/logins/${loginId}/verify`, {
          code: codes[i],
          name: 'Al',
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers[0]?.body.account.id).toBe(answers[1]?.body.account.id)
  })

  it('answers known and unknown numbers alike', async () => {
    await start({ settings: { resendAfterMs: 0 } })
    await signIn(server, '+4915100000003', 'Known')
    const known = await startLogin('+4915100000003')
    const unknown = await startLogin('+4915100000004')
    expect(known.status).toBe(202)
    expect(unknown.status).toBe(202)
    for (const { body } of [known, unknown]) loginStartedSchema.strict().parse(body)
    expect(Object.keys(known.body)).toEqual(Object.keys(unknown.body))
  })

  it('refuses a wrong code five times, and then the right one too', async () => {
    await start()
    const { loginId } = (await startLogin('+4915100000005')).body
    const right = lastCode(server, '+4915100000005')
    const wrong = right === '000000' ? '000001' : '000000'
    for (let i = 0; i < 5; i++) {
      expect(await verify(loginId, wrong)).toMatchObject({ status: 403, body: { code: 'wrong-code', field: 'code' } })
    }
    expect(await verify(loginId, right)).toMatchObject({ status: 410, body: { code: 'code-expired' } })
    await signIn(server, '+4915100000005', 'New code')
  })

  it('lets 50 tries at once with the right code in exactly once', async () => {
    await start()
    const { loginId } = (await startLogin('+4915100000006')).body
    const code = lastCode(server, '+4915100000006')
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(loginId, code, 'Once')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(new Set(answers.map(({ body }) => body.code).filter(Boolean))).toEqual(new Set(['code-expired']))
  })

  it('lets 50 wrong tries at once guess five times', async () => {
    await start()
    const { loginId } = (await startLogin('+4915100000007')).body
    const wrong = lastCode(server, '+4915100000007') === '123456' ? '123457' : '123456'
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(loginId, wrong)))
    expect(answers.filter(({ body }) => body.code === 'wrong-code')).toHaveLength(5)
    expect(answers.filter(({ body }) => body.code === 'code-expired')).toHaveLength(45)
  })

  it('takes a code for its own request alone', async () => {
    await start()
    const first = (await startLogin('+4915100000008')).body.loginId
    await startLogin('+4915100000009')
    const other = lastCode(server, '+4915100000009')
    if (other === lastCode(server, '+4915100000008')) return
    expect((await verify(first, other)).body.code).toBe('wrong-code')
    expect((await verify(crypto.randomUUID(), other)).body.code).toBe('code-expired')
  })

  it('takes a code with spaces for ten minutes', async () => {
    let now = Date.now()
    await start({ now: () => now })
    const early = (await startLogin('+4915100000010')).body
    now += 9 * 60_000
    const code = lastCode(server, '+4915100000010')
    expect((await verify(early.loginId, ` ${code.slice(0, 3)} ${code.slice(3)} `)).status).toBe(200)
    const late = (await startLogin('+4915100000010')).body
    now += 10 * 60_000
    expect((await verify(late.loginId, lastCode(server, '+4915100000010'))).body.code).toBe('code-expired')
  })

  it('waits between two codes to a number, known or not, and says how long', async () => {
    let now = Date.now()
    await start({ now: () => now, settings: { resendAfterMs: 30_000 } })
    await signIn(server, '+4915100000011', 'Known')
    await startLogin('+4915100000012')
    now += 10_000
    const known = await startLogin('+4915100000011')
    const unknown = await startLogin('+4915100000012')
    expect(known).toMatchObject({ status: 429, body: { code: 'rate-limited', retryAfterMs: 20_000 } })
    expect(known.headers.get('retry-after')).toBe('20')
    expect(known.body).toEqual(unknown.body)
    now += 20_000
    expect((await startLogin('+4915100000012')).status).toBe(202)
  })

  it('lets parallel requests pass no limit together', async () => {
    await start({ settings: { codesPerSharedAddressPerHour: 7 } })
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => startLogin(`+49151000002${10 + i}`)))
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(7)
    expect(server.outbox()).toHaveLength(7)
  })

  it('keeps the reserve for numbers with an account, and the answer tells nothing', async () => {
    await start({ settings: { messagesPerDay: 10 } })
    await signIn(server, '+4915100000013', 'Known')
    for (let i = 0; i < 6; i++) await startLogin(`+49151000003${10 + i}`)
    expect(server.outbox()).toHaveLength(7)
    const unknown = await startLogin('+4915100000330')
    expect(unknown.status).toBe(202)
    expect(server.outbox()).toHaveLength(7)
    for (let i = 0; i < 3; i++) await signIn(server, '+4915100000013')
    expect(server.outbox()).toHaveLength(10)
    expect((await startLogin('+4915100000013')).status).toBe(429)
  })

  it('lets 200 members behind one listed address in within an hour', async () => {
    await start()
    for (let batch = 0; batch < 10; batch++) {
      const people = Array.from({ length: 20 }, (_, i) => `+49151${String(batch * 20 + i).padStart(8, '0')}`)
      await Promise.all(people.map((phone) => signIn(server, phone, 'Member')))
    }
    expect(server.outbox()).toHaveLength(200)
  })

  it('makes the named number an operator', async () => {
    await start({ operatorPhone: '+49 151 00000014' })
    expect((await signIn(server, '+4915100000014', 'Op')).account.isOperator).toBe(true)
    expect((await signIn(server, '+4915100000015', 'Other')).account.isOperator).toBe(false)
  })

  it('keeps numbers and codes out of store and log', async () => {
    await start()
    const person = await signIn(server, '+4915100000016', 'Private')
    const code = lastCode(server, '+4915100000016')
    await person.fetch('GET', '/api/nowhere')
    await server.stop()
    const log = JSON.stringify(server.logs)
    expect(log).toContain('signed-in')
    const { accessToken, refreshToken } = person.credentials
    for (const secret of ['15100000016', code, accessToken, refreshToken]) expect(log).not.toContain(secret)
    const { openStore } = await import('../../../src/server/store.ts')
    const { folder, databaseUrl } = server.data
    const data = await openStore(databaseUrl ? { databaseUrl } : { dataDir: folder })
    const tables = ['account', 'login', 'session', 'session_access', 'session_spent'] as const
    const rows = await Promise.all(tables.map((table) => data.db.selectFrom(table).selectAll().execute()))
    await data.close()
    const dump = JSON.stringify(rows)
    expect(dump).toContain('Private')
    for (const secret of ['15100000016', accessToken, refreshToken]) expect(dump).not.toContain(secret)
  })

  it('refuses data made with another key file', async () => {
    await start()
    await server.stop()
    const { writeFileSync } = await import('node:fs')
    writeFileSync(`${server.data.folder}/server.key`, `${'ab'.repeat(32)}\n`)
    await expect(startTestServer({ data: server.data, store })).rejects.toMatchObject({ code: 'wrong-key' })
  })
})
