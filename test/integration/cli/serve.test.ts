import { createHmac } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { type Running, roomtone, startRoomtone, throwawayHome } from '../../support/roomtone.ts'
import { mountSmallDisk, type SmallDisk } from '../../support/small-disk.ts'

const ana = '+4915112345678'
let postgres: TestPostgres | undefined
const homes: ReturnType<typeof throwawayHome>[] = []
const running: Running[] = []
const disks: SmallDisk[] = []
afterEach(async () => {
  for (const server of running.splice(0)) {
    server.kill('SIGTERM')
    await server.ended
  }
  for (const disk of disks.splice(0)) disk.close()
  for (const place of homes.splice(0)) await place.close()
})
afterAll(() => postgres?.close())

const newHome = () => {
  const place = throwawayHome()
  homes.push(place)
  return place.home
}
const serve = async (home: string, args: string[] = [], env: Record<string, string> = {}) => {
  const server = startRoomtone(['serve', '--port', '0', ...args], { home, env })
  running.push(server)
  const url = await eventually(() => server.lines()[0] ?? (server.child.exitCode !== null && server.stderr()), {
    withinMs: 30_000,
    what: 'where it listens',
  })
  expect(url).toMatch(/^http:/)
  return { server, url }
}
const requestCode = (url: string, phone: string) =>
  fetch(`${url}/api/logins`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ phone }),
  })

describe('serve refuses to start, in one sentence', () => {
  it.each([
    [['--host', 'nope.invalid'], 2, /no address nope\.invalid/],
    [['--host', '192.0.2.1', '--sms', 'webhook:http://127.0.0.1:9/'], 2, /no address 192\.0\.2\.1/],
    [['--host', ''], 2, /--host must not be empty/],
    [['--operator', '0151'], 2, /operator is named by a phone number/],
    [['--sms', 'outbox:nowhere/outbox'], 2, /outbox .*nowhere\/outbox cannot be written: its folder does not exist/],
    [['--sms', 'outbox:/'], 2, /outbox \/ cannot be written: it is a folder/],
    [['--sms', 'outbox:/proc/version/outbox'], 2, /cannot be written: its folder is a file/],
    [['--sms', 'outbox:'], 2, /--sms is console, outbox:FILE or webhook:URL/],
    [['--sms', 'webhook:gateway.example.org'], 2, /--sms is console, outbox:FILE or webhook:URL/],
    [['--sms', 'webhook:ftp://gateway.example.org'], 2, /--sms is console, outbox:FILE or webhook:URL/],
  ])('%j', async (args, code, sentence) => {
    const ran = await roomtone(['serve', '--port', '0', ...args], { home: newHome() })
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(sentence) })
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
  })

  it.each([
    ['foo', 2, /DATABASE_URL must be a URL such as/],
    ['mysql://ana:secret@127.0.0.1/x', 2, /DATABASE_URL must be a URL such as/],
    ['postgresql://ana:secret@127.0.0.1:9/x', 7, /The database cannot be reached: connect ECONNREFUSED/],
    ['postgresql://ana:secret@nope.invalid/x', 7, /The database cannot be reached/],
  ])('for DATABASE_URL=%s', async (url, code, sentence) => {
    const ran = await roomtone(['serve', '--port', '0'], { home: newHome(), env: { DATABASE_URL: url } })
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(sentence) })
    expect(ran.stderr).not.toContain('secret')
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
  })
})

it('serve ends when it cannot note where it listens', async () => {
  const home = newHome()
  mkdirSync(join(home, 'state', 'server.json', 'in-the-way'), { recursive: true })
  const ran = await roomtone(['serve', '--port', '0'], { home })
  expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/server\.json.* is a folder/) })
})

describe.skipIf(noPostgres)(`serve on PostgreSQL${noPostgres ? ` (${noPostgres})` : ''}`, () => {
  it('says that it is not let in: no such database, wrong password', async () => {
    postgres ??= await startPostgres()
    const right = await postgres.createDatabase('right')
    const refusal = async (url: string) => {
      const ran = await roomtone(['serve', '--port', '0'], { home: newHome(), env: { DATABASE_URL: url } })
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr.trim().split('\n')).toHaveLength(1)
      return ran.stderr
    }
    expect(await refusal(right.replace(/[^/]+$/, 'missing'))).toMatch(/The database refuses us: .*"missing"/)
    expect(await refusal(right.replace(':right@', ':wrong@'))).toMatch(/The database refuses us: password/)
    expect(await refusal(right.replace(':right@', '@'))).toMatch(/The database refuses us: it wants a password/)
    const { server } = await serve(newHome(), [], { DATABASE_URL: right })
    // In the very moment in which it listens and enters itself among the servers.
    server.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it('ends when it cannot read what is in the database', async () => {
    postgres ??= await startPostgres()
    const databaseUrl = await postgres.createDatabase()
    const home = newHome()
    const { server } = await serve(home, [], { DATABASE_URL: databaseUrl })
    server.kill('SIGTERM')
    await server.ended
    const database = new pg.Client({ connectionString: databaseUrl })
    await database.connect()
    await database.query('alter table room rename to room_elsewhere')
    await database.end()
    const ran = await roomtone(['serve', '--port', '0'], { home, env: { DATABASE_URL: databaseUrl } })
    expect(ran).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('relation "room" does not exist'),
    })
  })

  it('answers 503 while the database is away, and goes on when it is back', async () => {
    postgres ??= await startPostgres()
    const home = newHome()
    const outbox = join(home, 'outbox.jsonl')
    const { server, url } = await serve(home, ['--sms', `outbox:${outbox}`], {
      DATABASE_URL: await postgres.createDatabase(),
    })
    expect((await requestCode(url, ana)).status).toBe(202)
    await postgres.stop()
    const refused = await requestCode(url, '+4915112345679')
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ detail: 'The database of the server does not answer.' })
    await postgres.start()
    await eventually(async () => (await requestCode(url, '+4915112345670')).status === 202, {
      withinMs: 10_000,
      what: 'served again',
    })
    await postgres.stop()
    expect((await requestCode(url, '+4915112345671')).status).toBe(503)
    server.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/\n\s+at /) })
    await postgres.start()
  })
})

describe('serve with a gateway for messages', () => {
  it('posts each once, signed with the secret it names; a code signs in, and makes the operator', async () => {
    const gateway = await startGateway()
    const home = newHome()
    const { server, url } = await serve(home, ['--sms', `webhook:${gateway.url}`, '--operator', ana])
    const file = await eventually(() => /signed with the secret in (\S+)/.exec(server.stderr())?.[1], {
      withinMs: 5000,
      what: 'where the secret is',
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { secret } = JSON.parse(readFileSync(file, 'utf8'))
    const run = (...args: string[]) => roomtone([...args, '--server', url], { home })
    const signIn = async (phone: string, name: string) => {
      const before = gateway.seen.length
      expect(await run('login', '--phone', phone, '--profile', name)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('"sent":true'),
        stderr: '',
      })
      const { headers, body } = (await eventually(() => gateway.seen[before], { withinMs: 5000, what: 'a message' }))!
      const at = String(headers['roomtone-timestamp'])
      expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000)
      expect(headers['roomtone-signature']).toBe(
        `sha256=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
      )
      const message = JSON.parse(body)
      expect(message).toMatchObject({ id: headers['idempotency-key'], at, to: phone })
      const code = message.text.slice(0, 6)
      expect(await run('login', '--code', code, '--name', name, '--profile', name)).toMatchObject({ code: 0 })
      return JSON.parse((await run('whoami', '--json', '--profile', name)).stdout)
    }
    expect(await signIn(ana, 'ana')).toMatchObject({ isOperator: true })
    expect(await signIn('+4915112345679', 'omar')).toMatchObject({ isOperator: false })
    const ids = gateway.seen.map(({ headers }) => headers['idempotency-key'])
    expect(new Set(ids).size).toBe(2)
    expect(ids).toHaveLength(2)
    await gateway.close()
  })
})

describe('serve whose own store fails', () => {
  const own = (name: string, work: (disk: SmallDisk) => Promise<void>) =>
    it(`${name} (needs the right to mount)`, async ({ skip }) => {
      const disk = mountSmallDisk('100m')
      if (!disk) return skip()
      disks.push(disk)
      await work(disk)
    })

  own('answers 503 on a full disk, and goes on when there is room again', async (disk) => {
    const home = newHome()
    const { server, url } = await serve(home, ['--data', join(disk.folder, 'data'), '--sms', `outbox:${home}/outbox`])
    disk.fill()
    const refused = await eventually(
      async () => {
        const answer = await requestCode(url, newPhone())
        return answer.status !== 202 && answer
      },
      { withinMs: 30_000, what: 'a refusal', everyMs: 0 },
    )
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ detail: 'The disk of the server is full.' })
    rmSync(join(disk.folder, 'filling'))
    await eventually(async () => (await requestCode(url, newPhone())).status === 202, {
      withinMs: 10_000,
      what: 'served again',
    })
    server.kill('SIGTERM')
    expect((await server.ended).code).toBe(0)
  })

  it('ends with 1 when its data folder is removed', async () => {
    const home = newHome()
    const data = join(home, 'kept')
    const { server, url } = await serve(home, ['--data', data, '--sms', `outbox:${home}/outbox`])
    expect((await requestCode(url, newPhone())).status).toBe(202)
    rmSync(data, { recursive: true })
    await eventually(() => server.child.exitCode !== null, { withinMs: 15_000, what: 'the end of serve' })
    expect(await server.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`roomtone: The data folder ${data} is gone; bring it back and start again.`),
    })
  })

  own('ends with 1 when its disk is taken away', async (disk) => {
    const data = join(disk.folder, 'data')
    const { server } = await serve(newHome(), ['--data', data])
    disk.takeAway()
    await eventually(() => server.child.exitCode !== null, { withinMs: 15_000, what: 'the end of serve' })
    expect(await server.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`roomtone: The data folder ${data} is gone; bring it back and start again.`),
    })
  })
})

let phones = 10_000
const newPhone = () => `+4915112${++phones}`

const startGateway = async () => {
  const seen: { headers: IncomingHttpHeaders; body: string }[] = []
  const gateway = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ headers: request.headers, body })
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    gateway.closeAllConnections()
    await new Promise((resolve) => gateway.close(resolve))
  }
  return { url: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/sms`, seen, close }
}
