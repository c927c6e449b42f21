import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mediaPlane } from '../../../src/cli/media-plane.ts'
import { freePort } from '../../support/free-port.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-plane-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const pair = { LIVEKIT_API_KEY: 'k', LIVEKIT_API_SECRET: 's' }

it('is a LiveKit server elsewhere with all three variables, also while that is away', async () => {
  const url = `ws://127.0.0.1:${await freePort()}`
  expect(await mediaPlane({ ...pair, LIVEKIT_URL: url }, folder)).toEqual({
    url,
    apiKey: 'k',
    apiSecret: 's',
    notice: `The media server at ${url} cannot be reached (ECONNREFUSED).`,
  })
})

it('is the embedded one with key and secret alone, and says that there is no URL', async () => {
  const plane = await mediaPlane(pair, folder)
  expect(plane).toMatchObject({
    apiKey: 'k',
    apiSecret: 's',
    notice: expect.stringContaining('LIVEKIT_URL is not set'),
  })
  expect(plane.url).toBeUndefined()
})

const kinds: [string, (socket: Socket) => void][] = [
  [
    'a web site',
    (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\nhello'),
  ],
  [
    'a web server that knows no POST',
    (socket) => socket.end('HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\n\r\n'),
  ],
  ['another API', (socket) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')],
  ['no web server', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')],
]
it.each(kinds)('refuses a LIVEKIT_URL behind which is %s', async (_, answer) => {
  const other = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const url = `ws://127.0.0.1:${(other.address() as AddressInfo).port}`
  await expect(mediaPlane({ ...pair, LIVEKIT_URL: url }, folder)).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(/^LIVEKIT_URL: .*no LiveKit server/),
  })
  await new Promise((resolve) => other.close(resolve))
})

it('has random keys that are kept for their owner alone', async () => {
  const first = await mediaPlane({}, folder)
  expect(await mediaPlane({}, folder)).toEqual(first)
  expect(first.apiSecret.length).toBeGreaterThan(40)
  expect(statSync(join(folder, 'media-keys.json')).mode & 0o777).toBe(0o600)
})

it.each([
  [{ LIVEKIT_URL: 'wss://l' }],
  [{ LIVEKIT_API_KEY: 'k' }],
  [{ LIVEKIT_URL: 'wss://l', LIVEKIT_API_SECRET: 's' }],
  [{ ...pair, LIVEKIT_URL: 'nonsense' }],
])('refuses incomplete variables %j', async (env) => {
  await expect(mediaPlane(env, folder)).rejects.toMatchObject({ code: 'bad-input' })
})
