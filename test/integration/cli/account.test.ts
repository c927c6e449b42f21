import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { documents } from '../../support/cli-schema.ts'
import { eventually } from '../../support/eventually.ts'
import { lastCode, signIn } from '../../support/phones.ts'
import { codeFor, login, roomtone, startRoomtone, throwawayHome } from '../../support/roomtone.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

const ana = '+4915112345678'
let place: ReturnType<typeof throwawayHome>
beforeAll(() => {
  place = throwawayHome()
})
afterAll(() => place.close())
const run = (args: string[], env?: Record<string, string>) => roomtone(args, { home: place.home, env })

/** Runs a command that must succeed and reads its document as the schema says it. */
const document = async <K extends keyof typeof documents>(
  kind: K,
  args: string[],
  env?: Record<string, string>,
): Promise<z.output<(typeof documents)[K]>> => {
  const ran = await run(args, env)
  expect(ran).toMatchObject({ code: 0 })
  return documents[kind].parse(JSON.parse(ran.stdout)) as z.output<(typeof documents)[K]>
}

describe('signing in', () => {
  it('is needed for what is not public: 4', async () => {
    for (const args of [['whoami'], ['rooms'], ['room', 'create', 'x'], ['sessions'], ['logout']])
      expect(await run(args)).toMatchObject({ code: 4, stdout: '', stderr: 'roomtone: Sign in first.\n' })
  })

  it('takes the code in a second call, and a wrong one is 4', async () => {
    await document('login (code sent)', ['login', '--phone', ana])
    const code = await codeFor(place.home, ana)
    const wrong = code === '000000' ? '000001' : '000000'
    expect(await run(['login', '--phone', ana, '--code', wrong])).toMatchObject({ code: 4 })
    expect(await run(['login', '--phone', '+4915112345679', '--code', code])).toMatchObject({ code: 4 })
    const account = await document('login --json', ['login', '--phone', ana, '--code', code, '--name', 'Ana', '--json'])
    expect(account).toMatchObject({ name: 'Ana', handle: 'ana' })
    expect(await document('whoami --json', ['whoami', '--json'])).toMatchObject(account)
  })

  it('shows the code of a server without a gateway also with --quiet: nobody could sign in else', async () => {
    const sent = await run(['login', '--phone', '+49 (0)151 12345681', '--quiet'])
    expect(sent).toMatchObject({ code: 0, stdout: '{"sent":true}\n' })
    expect(sent.stderr).toContain(await codeFor(place.home, '+4915112345681'))
  })

  it('is kept for its owner alone', () => {
    expect(statSync(join(place.home, 'state', 'sign-ins', 'default', 'local.json')).mode & 0o777).toBe(0o600)
  })

  it('is one of several accounts with --profile', async () => {
    await login(place.home, '+4915112345680', 'Bo', 'second')
    expect((await run(['whoami', '--profile', 'second'])).stdout).toMatch(/^Bo /)
    expect((await run(['whoami'], { ROOMTONE_PROFILE: 'second' })).stdout).toMatch(/^Bo /)
    expect((await run(['whoami'])).stdout).toMatch(/^Ana /)
  })

  it('is refused for what is no number: 2', async () => {
    expect(await run(['login', '--phone', 'nonsense'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('sessions', () => {
  it('are listed; a beginning that none has is 6, and ends none', async () => {
    const { sessions } = await document('sessions --json', ['sessions', '--json'])
    expect(sessions).toMatchObject([{ isCurrent: true }])
    const { id } = sessions[0]!
    for (const none of ['zzzz', id.slice(1), `${id}0`])
      expect(await run(['sessions', 'revoke', none])).toMatchObject({ code: 6, stdout: '' })
    expect(await document('sessions --json', ['sessions', '--json'])).toMatchObject({ sessions: [{ id }] })
  })
})

describe('a server elsewhere', () => {
  let server: TestServer
  let elsewhere: { ROOMTONE_SERVER: string }
  let aheadMs = 0
  beforeAll(async () => {
    server = await startTestServer({ now: () => Date.now() + aheadMs })
    elsewhere = { ROOMTONE_SERVER: server.url }
    // The first server of a test process makes a database, which a busy machine takes long for.
  }, 120_000)
  afterAll(() => server?.close())
  const code = async () => {
    await document('login (code sent)', ['login', '--phone', ana], elsewhere)
    return lastCode(server, ana)
  }

  it('takes no code that has grown old: 4, and it says to ask for a new one', async () => {
    const old = await code()
    aheadMs = 10 * 60_000 + 1
    const refused = { code: 4, stdout: '' }
    expect(await run(['login', '--code', old, '--name', 'Ana'], elsewhere)).toEqual({
      ...refused,
      stderr: 'roomtone: This code is used up or too old; ask for a new one.\n',
    })
    expect(await run(['login', '--code', old], elsewhere)).toEqual({
      ...refused,
      stderr: 'roomtone: no code is pending for this number: ask for one with login --phone\n',
    })
    expect(await run(['login', '--code', await code(), '--name', 'Ana'], elsewhere)).toMatchObject({ code: 0 })
  })

  it('ends the one session that begins so, and no other', async () => {
    const [lost, kept] = [await signIn(server, ana), await signIn(server, ana)]
    const { sessionId } = lost.credentials
    expect(await run(['sessions', 'revoke', sessionId.slice(0, 8).toUpperCase()], elsewhere)).toMatchObject({ code: 0 })
    expect((await lost.fetch('GET', '/api/me')).status).toBe(401)
    expect((await kept.fetch('GET', '/api/me')).status).toBe(200)
    const { sessions } = await document('sessions --json', ['sessions', '--json'], elsewhere)
    expect(sessions.map(({ id }) => id)).not.toContain(sessionId)
    expect(sessions).toHaveLength(2)
  })

  it('names the sessions that begin alike: 2, and ends none', async () => {
    // Of seventeen ids in sixteen digits, two begin alike.
    for (let count = 2; count < 17; count++) await signIn(server, ana)
    const { sessions } = await document('sessions --json', ['sessions', '--json'], elsewhere)
    const digits = sessions.map(({ id }) => id[0]!).sort()
    const twice = digits.find((digit, index) => digit === digits[index + 1])!
    const refused = await run(['sessions', 'revoke', twice], elsewhere)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    for (const { id } of sessions.filter((session) => session.id.startsWith(twice)).slice(0, 5))
      expect(refused.stderr).toContain(id.slice(0, 13))
    expect((await document('sessions --json', ['sessions', '--json'], elsewhere)).sessions).toHaveLength(17)
  })
})

describe('access tokens', () => {
  it('sign a bot in by the environment, until revoked', async () => {
    const { token } = await document('token create --json', ['token', 'create', 'radio', '--json'])
    expect((await document('token list --json', ['token', 'list', '--json'])).tokens).toMatchObject([{ name: 'radio' }])
    const bot = await document('whoami --json', ['whoami', '--json'], { ROOMTONE_TOKEN: token })
    expect(bot).toMatchObject({ kind: 'bot', name: 'radio' })
    expect(await run(['token', 'revoke', 'radio'])).toMatchObject({ code: 0 })
    expect(await run(['whoami'], { ROOMTONE_TOKEN: token })).toMatchObject({ code: 4 })
  })

  it('foreign ones are 4', async () => {
    expect(await run(['rooms'], { ROOMTONE_TOKEN: 'rta_foreign' })).toMatchObject({ code: 4 })
  })
})

describe('rooms', () => {
  it('are created, found by id, prefix, link and title, edited and ended', async () => {
    const room = await document('room create|show|edit --json', ['room', 'create', 'Morning sit', '--json'])
    for (const name of [room.id, room.id.slice(0, 8), room.link, 'Morning sit'])
      expect((await document('room create|show|edit --json', ['room', 'show', name, '--json'])).id).toBe(room.id)
    const edited = ['room', 'edit', room.id, '--title', 'Evening sit', '--hands', 'off', '--json']
    expect(await document('room create|show|edit --json', edited)).toMatchObject({ title: 'Evening sit', hands: 'off' })
    expect((await document('rooms --json', ['rooms', '--search', 'evening', '--json'])).rooms).toHaveLength(1)
    expect((await document('rooms --json', ['rooms', '--search', 'morning', '--json'])).rooms).toHaveLength(0)
    const companion = await document('token ROOM --json', ['token', room.id, '--json'])
    expect(companion.url).toMatch(/^ws:/)
    expect(await run(['room', 'end', room.id], { ROOMTONE_PROFILE: 'second' })).toMatchObject({ code: 5 })
    expect(await run(['room', 'end', room.id])).toMatchObject({ code: 0 })
    expect((await document('rooms --json', ['rooms', '--json'])).rooms).toEqual([])
  })

  it('that are not there are 6; a title that two have is 2', async () => {
    for (const name of ['No such room', '00000000-0000-4000-8000-000000000000', 'http://127.0.0.1:1/r/x'])
      expect((await run(['room', 'show', name])).code).toBe(6)
    await run(['room', 'create', 'Twin'])
    await run(['room', 'create', 'Twin'])
    expect(await run(['room', 'show', 'Twin'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/2 live rooms are called "Twin"/),
    })
  })

  it('are watched as they change, and Ctrl+C ends that with 130', async () => {
    const watch = startRoomtone(['rooms', '--watch', '--jsonl'], { home: place.home })
    await eventually(() => watch.lines().length >= 2, { withinMs: 10_000, what: 'the rooms there are' })
    const room = await document('room create|show|edit --json', ['room', 'create', 'New one', '--json'])
    const seen = () => watch.events().map((event) => documents['rooms --jsonl'].parse(event))
    await eventually(() => seen().some((event) => event.type === 'room' && event.room.id === room.id), {
      withinMs: 5000,
      what: 'the new room',
    })
    await run(['room', 'end', room.id])
    await eventually(() => seen().some((event) => event.type === 'room-ended' && event.roomId === room.id), {
      withinMs: 5000,
      what: 'its end',
    })
    watch.kill('SIGINT')
    expect((await watch.ended).code).toBe(130)
  })
})

describe('this machine', () => {
  it('is described by doctor, devices, config and server status as the schema says', async () => {
    const { findings } = await document('doctor --json', ['doctor', '--json'])
    expect(findings.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', 'WebRTC client', 'Opus', 'server']),
    )
    await document('devices --json', ['devices', '--json'])
    await document('config list --json', ['config', 'list', '--json'])
    await document('server status --json', ['server', 'status', '--json'])
  })
})

describe('signing out', () => {
  it('forgets the sign-in', async () => {
    expect(await run(['logout'])).toMatchObject({ code: 0 })
    expect(await run(['whoami'])).toMatchObject({ code: 4 })
  })
})
