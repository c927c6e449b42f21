import { Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createAdmission } from './admission.ts'
import { createCounters } from './counters.ts'
import { createHouse } from './house.ts'
import type { ChildOptions, HttpAnswer, HttpRequest, ToChild, ToParent } from './ipc.ts'
import { startMediaEngine } from './media.ts'
import { admit, createSignalDoor, joinRefusal, tokenOf } from './signal.ts'
import { createTokenDoor } from './tokens.ts'
import { turnServer } from './turn.ts'
import { createTwirp } from './twirp.ts'
import { createWebhooks } from './webhook.ts'

/** The media server's process: started by process.ts, spoken to over IPC alone, gone when its parent is. */

const tell = (message: ToParent): void => {
  if (process.connected) process.send?.(message)
}
const log = (line: string): void => tell({ type: 'log', line })

type Running = {
  port: number
  upgrade(message: Extract<ToChild, { type: 'upgrade' }>, socket: Socket): void
  request(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

const startRunning = async (options: ChildOptions): Promise<Running> => {
  const counters = createCounters()
  const own = watchProcess()
  const engine = await startMediaEngine(options)
  const tokens = createTokenDoor(options.apiKey, options.apiSecret)
  const webhooks = createWebhooks({
    url: options.webhookUrl,
    apiKey: options.apiKey,
    apiSecret: options.apiSecret,
    onFailed: (message) => {
      counters.webhooksFailed += 1
      log(message)
    },
  })
  const { turn, autoCreate } = options
  const iceServers = () => (turn ? [turnServer(turn, Date.now())] : [])
  const house = createHouse({ engine, counters, autoCreate, onEvent: webhooks.send, iceServers, log })
  const admission = createAdmission(() => performance.now())
  const signal = createSignalDoor({ house, tokens, admission, counters, log })
  const twirp = createTwirp(house, tokens)

  const request = async ({ method, path, headers, body }: HttpRequest): Promise<HttpAnswer> => {
    const url = new URL(path, 'http://localhost')
    const token = tokenOf(url, headers)
    if (url.pathname.startsWith('/twirp/') && method === 'POST') {
      const contentType = headers['content-type'] ?? 'application/json'
      const answer = await twirp({ path: url.pathname, contentType, token, body: Buffer.from(body) })
      return { status: answer.status, headers: { 'content-type': answer.contentType }, body: answer.body }
    }
    if (url.pathname === '/rtc/validate') {
      return admit({ tokens, house }, token).then(
        () => text(200, 'success'),
        (error: Error) => {
          const { status, message } = joinRefusal(error)
          return text(status, message)
        },
      )
    }
    if (url.pathname === '/metrics') {
      const counts = {
        ...house.size(),
        ...counters,
        ...own(),
        waiting: admission.waiting(),
        strayRequests: engine.strayRequests(),
      }
      return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(counts)) }
    }
    return text(404, 'not found')
  }

  return {
    port: engine.port,
    upgrade: ({ method, url, headers, head }, socket) =>
      void signal.upgrade({ method, url, headers }, socket, Buffer.from(head)),
    request,
    close: async () => {
      admission.close()
      house.close()
      signal.close()
      await webhooks.close()
      engine.close()
    },
  }
}

/** What this process costs; the lag is the 99th percentile since the last look. */
const watchProcess = () => {
  const lag = monitorEventLoopDelay({ resolution: 10 })
  lag.enable()
  return () => {
    const { user, system } = process.cpuUsage()
    const eventLagS = Math.max(0, lag.percentile(99) / 1e9 - 0.01)
    lag.reset()
    return { cpuS: (user + system) / 1e6, memoryBytes: process.memoryUsage.rss(), eventLagS }
  }
}

/** Any page may read it: it depends on nothing but the token, and the browser SDK asks here why it may not join. */
const text = (status: number, body: string): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/plain', 'access-control-allow-origin': '*' },
  body: Buffer.from(body),
})

const ALIVE_MS = 1000
let running: Promise<Running> | undefined

const start = async (options: ChildOptions): Promise<void> => {
  running = startRunning(options)
  try {
    tell({ type: 'ready', port: (await running).port })
    setInterval(() => tell({ type: 'alive' }), ALIVE_MS)
  } catch (error) {
    tell({ type: 'refused', code: (error as { code?: string }).code ?? 'failed', message: (error as Error).message })
  }
}

const answer = async (id: number, request: HttpRequest): Promise<void> => {
  const server = await running
  const given = await server?.request(request).catch(() => text(500, 'the media server failed at this request'))
  tell({ type: 'answer', id, answer: given ?? text(503, 'the media server is not running') })
}

const stop = async (): Promise<void> => {
  // Whatever hangs, the process does not: a connection that cannot be closed must not keep it.
  setTimeout(() => process.exit(0), 1500).unref()
  await running?.then((server) => server.close()).catch(() => {})
  process.exit(0)
}

process.on('message', (message: ToChild, handle: unknown) => {
  switch (message.type) {
    case 'start':
      return void start(message.options)
    case 'upgrade':
      tell({ type: 'taken', id: message.id })
      if (handle instanceof Socket) void running?.then((server) => server.upgrade(message, handle))
      return
    case 'request':
      return void answer(message.id, message.request)
    case 'close':
      return void stop()
  }
})
// The parent is gone, even by kill -9: so are we.
process.on('disconnect', () => void stop())
// Ctrl-C reaches the whole group; the parent decides when we stop.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => void stop())
process.on('uncaughtException', (error) => log(`unexpected: ${error.stack ?? error.message}`))
process.on('unhandledRejection', (error) => log(`unexpected: ${(error as Error)?.stack ?? String(error)}`))
