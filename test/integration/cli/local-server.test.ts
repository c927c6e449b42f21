import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { RoomServiceClient } from 'livekit-server-sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { isAlive, login, roomtone, serverPid, startRoomtone, throwawayHome } from '../../support/roomtone.ts'

let place: ReturnType<typeof throwawayHome>
beforeEach(() => {
  place = throwawayHome()
})
afterEach(() => place.close())
const run = (args: string[]) => roomtone(args, { home: place.home })

describe('the embedded server', () => {
  it('is one, however many commands start at once', async () => {
    const ran = await Promise.all([1, 2, 3, 4].map(() => run(['whoami'])))
    expect(ran.map(({ code }) => code)).toEqual([4, 4, 4, 4])
    const status = JSON.parse((await run(['server', 'status', '--json'])).stdout)
    expect(status).toMatchObject({ name: 'roomtone', startedByCommand: true, pid: serverPid(place.home) })
    expect(statSync(join(place.home, 'state', 'server.json')).mode & 0o777).toBe(0o600)
  })

  it('is started again after a kill -9, at the same address, with what it knew', async () => {
    await login(place.home, '+4915112345001', 'Ana')
    const before = JSON.parse((await run(['server', 'status', '--json'])).stdout)
    process.kill(before.pid, 'SIGKILL')
    expect(await run(['whoami'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Ana \(@ana/) })
    const after = JSON.parse((await run(['server', 'status', '--json'])).stdout)
    expect(after.pid).not.toBe(before.pid)
    expect(after.url).toBe(before.url)
  })

  it('shows the code itself and says that no gateway is set', async () => {
    const sent = await run(['login', '--phone', '+4915112345002'])
    expect(sent).toMatchObject({ code: 0, stdout: '{"sent":true}\n' })
    const code = /No SMS gateway is set .* the code is (\d{6})/.exec(sent.stderr)?.[1] ?? ''
    expect(await run(['login', '--code', code, '--name', 'Bo Li'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Signed in as Bo Li \(@bo_li/),
    })
  })

  it('is reached past the proxies of the environment', async () => {
    const env = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' }
    expect(await roomtone(['rooms'], { home: place.home, env })).toMatchObject({ code: 4 })
  })

  it('ends when nobody is there, and takes its media child along', async () => {
    const server = startRoomtone(['serve', '--embedded', '--idle', '1s'], { home: place.home })
    await eventually(() => server.lines()[0], { withinMs: 20_000, what: 'the address' })
    const children = spawnSync('ps', ['--ppid', String(server.pid), '-o', 'pid='], { encoding: 'utf8' }).stdout
    const pids = children.trim().split(/\s+/).filter(Boolean).map(Number)
    expect(pids.length).toBeGreaterThan(0)
    expect(await server.ended).toMatchObject({ code: 0 })
    expect(pids.filter(isAlive)).toEqual([])
    expect(serverPid(place.home)).toBeUndefined()
  })

  it('is replaced when it is of another version and nobody is in it', async () => {
    await run(['whoami'])
    const pid = serverPid(place.home)!
    const file = join(place.home, 'state', 'server.json')
    const { writeFile } = await import('node:fs/promises')
    await writeFile(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version: '0.0.1' }))
    await run(['whoami'])
    expect(serverPid(place.home)).not.toBe(pid)
    expect(isAlive(pid)).toBe(false)
  })
})

describe('serve', () => {
  it('says where it listens, is found by commands of the same home, and ends in order', async () => {
    const server = startRoomtone(['serve', '--port', '0', '--json'], { home: place.home })
    const { url, pid } = await eventually(() => JSON.parse(server.stdout() || 'null'), {
      withinMs: 20_000,
      what: 'the address',
    })
    expect(JSON.parse((await run(['server', 'status', '--json'])).stdout)).toMatchObject({
      url,
      pid,
      startedByCommand: false,
    })
    server.kill('SIGTERM')
    expect((await server.ended).code).toBe(0)
    expect(serverPid(place.home)).toBeUndefined()
  })

  it('ends with 130 on Ctrl+C', async () => {
    const server = startRoomtone(['serve', '--port', '0'], { home: place.home })
    await eventually(() => server.lines()[0], { withinMs: 20_000, what: 'the address' })
    server.kill('SIGINT')
    expect((await server.ended).code).toBe(130)
  })

  it('lets any LiveKit tool in with key and secret of the environment', async () => {
    const keys = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters' }
    const server = startRoomtone(['serve', '--port', '0'], { home: place.home, env: keys })
    const url = await eventually(() => server.lines()[0] ?? '', { withinMs: 20_000, what: 'the address' })
    const tool = new RoomServiceClient(url, keys.LIVEKIT_API_KEY, keys.LIVEKIT_API_SECRET)
    expect(await tool.listRooms()).toEqual([])
    await expect(new RoomServiceClient(url, 'key', 'another').listRooms()).rejects.toThrow()
    server.kill('SIGTERM')
    expect((await server.ended).code).toBe(0)
  })

  it('tells a second one on the same data who has it', async () => {
    await run(['whoami'])
    const second = await run(['serve', '--port', '0'])
    const holder = `is in use by another roomtone server (process ${serverPid(place.home)}).\n`
    expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(holder) })
  })
})
