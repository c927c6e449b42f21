import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SignalRequest, SignalResponse } from '@livekit/protocol'
import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import { eventually } from '../../support/eventually.ts'
import {
  API_KEY,
  API_SECRET,
  buildMediaServer,
  startTestMediaServer,
  type TestMediaServer,
} from '../../support/media-server.ts'
import { isTone } from '../../support/media-tone.ts'
import { joinRtcNode } from '../../support/rtc-node.ts'
import { joinWrtc } from '../../support/wrtc-client.ts'

const entry = buildMediaServer()
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})

const start = async (options: { supervised?: boolean; port?: number }): Promise<TestMediaServer> => {
  const server = await startTestMediaServer({ entry, ...options })
  open.push(server)
  return server
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a killed child is replaced on the same port, and those who come back hear those who come new', async () => {
  const server = await start({ supervised: true })
  const { pid, port } = server.media
  const deaths: unknown[] = []
  server.media.onExit((info) => deaths.push(info))
  const speaker = await joinWrtc(server.url, await server.token('speaker', 'kill'), { comesBack: true })
  const listener = await joinWrtc(server.url, await server.token('listener', 'kill'), { comesBack: true })
  open.push(speaker, listener)
  await speaker.publishTone(440)
  await eventually(() => isTone(listener.heardHz('speaker'), 440), { withinMs: 5000, what: 'the tone is heard' })

  process.kill(pid, 'SIGKILL')
  await eventually(() => deaths.length === 1, { withinMs: 1000, what: 'the death is told' })
  await eventually(() => server.media.pid !== pid, { withinMs: 3000, what: 'another child runs' })
  expect(server.media.port).toBe(port)
  // Sound of a new one, and in new ears: what was heard before the kill cannot be taken for it.
  const newcomer = await joinWrtc(server.url, await server.token('newcomer', 'kill'))
  open.push(newcomer)
  await newcomer.publishTone(660)
  await eventually(() => isTone(newcomer.heardHz('speaker'), 440), {
    withinMs: 10_000,
    what: 'the tone is heard by one who comes new',
  })
  await eventually(() => isTone(listener.heardHz('newcomer'), 660), {
    withinMs: 10_000,
    what: 'who came new is heard by one who came back',
  })
})

test('while there is no child, requests are answered 503', async () => {
  const server = await start({ supervised: true })
  process.kill(server.media.pid, 'SIGKILL')
  const answer = await eventually(
    async () => {
      const response = await fetch(`${server.httpUrl}/metrics`)
      return response.status === 503 && response
    },
    { withinMs: 1000, what: '503', everyMs: 1 },
  )
  expect((answer || undefined)?.headers.get('retry-after')).toBe('1')
  await eventually(async () => (await fetch(`${server.httpUrl}/metrics`)).status === 200, {
    withinMs: 3000,
    what: '200 again',
  })
})

test('who comes while the child dies is told, never left hanging', async () => {
  const server = await start({ supervised: true })
  const url = `${server.url}/rtc?access_token=${await server.token('late', 'kill')}`
  const answer = () =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(url)
      socket.once('error', () => resolve('told'))
      socket.once('open', () => {
        resolve('taken')
        socket.terminate()
      })
    })
  for (let round = 0; round < 4; round += 1) {
    const { pid } = server.media
    const before = answer()
    process.kill(pid, 'SIGKILL')
    const answers = Array.from({ length: 8 }, answer)
    let open = answers.length + 1
    for (const each of [before, ...answers]) void each.then(() => (open -= 1))
    await eventually(() => open === 0, { withinMs: 5000, what: 'an answer to everyone who came' })
    await eventually(async () => server.media.pid !== pid && (await fetch(`${server.httpUrl}/metrics`)).ok, {
      withinMs: 10_000,
      what: 'another child runs',
    })
  }
})

test('closing ends the child within two seconds, with connections open', async () => {
  const server = await startTestMediaServer({ entry })
  const peers = [
    await joinRtcNode(server.url, await server.token('a', 'close')),
    await joinRtcNode(server.url, await server.token('b', 'close')),
  ]
  await peers[0]!.publishTone(440)
  await eventually(() => isTone(peers[1]!.heardHz('a'), 440), { withinMs: 5000, what: 'the tone is heard' })
  const { pid } = server.media
  const startedMs = performance.now()
  await server.close()
  expect(performance.now() - startedMs).toBeLessThan(2000)
  expect(isAlive(pid)).toBe(false)
  for (const peer of peers) await peer.close()
})

test('a taken port is told by its code', async () => {
  const server = await start({})
  await expect(start({ port: server.media.port })).rejects.toMatchObject({ code: 'port_taken' })
})

test('the child ends by itself when its parent is killed', async () => {
  const script = `
    import { startMediaServer } from ${JSON.stringify(fileURLToPath(new URL('../../../src/sfu/process.ts', import.meta.url)))}
    const media = await startMediaServer(${JSON.stringify({ entry, apiKey: API_KEY, apiSecret: API_SECRET })})
    console.log(media.pid)
    setInterval(() => {}, 1000)`
  const esbuild = await import('esbuild')
  const { code } = await esbuild.transform(script, { loader: 'ts' })
  const bundle = await esbuild.build({
    stdin: { contents: code, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
  })
  const parent = spawn(process.execPath, ['--input-type=module', '-e', bundle.outputFiles[0]!.text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(parent.stdout, 'data')
  const childPid = Number(String(line))
  expect(isAlive(childPid)).toBe(true)
  parent.kill('SIGKILL')
  await eventually(() => !isAlive(childPid), { withinMs: 3000, what: 'the child has ended' })
})

test('nothing is lost of what a client says before the child has its socket', async () => {
  const server = await start({ supervised: true })
  const token = await server.token('early', 'first-words')
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  open.push({ close: async () => void socket.destroy() })
  let told = Buffer.alloc(0)
  socket.on('data', (data) => {
    told = Buffer.concat([told, data])
  })
  const key = Buffer.alloc(16).toString('base64')
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`
  process.kill(server.media.pid, 'SIGSTOP')
  socket.write(`GET /rtc?access_token=${token}&protocol=16 HTTP/1.1\r\nHost: media\r\n${upgrade}\r\n\r\n`)
  // Long enough for the socket to be on its way, and for whoever still reads from it here.
  await sleep(200)
  const ping = new SignalRequest({ message: { case: 'ping', value: 1n } }).toBinary()
  // RFC 6455, 5.2: a binary frame, masked with zeros.
  socket.write(Buffer.concat([Buffer.from([0x82, 0x80 | ping.length, 0, 0, 0, 0]), ping]))
  await sleep(200)
  process.kill(server.media.pid, 'SIGCONT')
  await eventually(() => messagesIn(told).includes('pong'), { withinMs: 5000, what: 'the ping is answered' })
})

/** What was told after the answer to the upgrade, in whole unmasked frames. */
const messagesIn = (told: Buffer): (string | undefined)[] => {
  const cases: (string | undefined)[] = []
  let at = told.indexOf('\r\n\r\n') + 4
  while (at > 3 && at + 4 <= told.length) {
    const isLong = told[at + 1] === 126
    const from = at + (isLong ? 4 : 2)
    const to = from + (isLong ? told.readUInt16BE(at + 2) : told[at + 1]!)
    if (to > told.length) break
    cases.push(SignalResponse.fromBinary(told.subarray(from, to)).message.case)
    at = to
  }
  return cases
}
