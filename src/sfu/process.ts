import { type ChildProcess, fork } from 'node:child_process'
import type { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { HttpAnswer, ToChild, ToParent, Turn } from './ipc.ts'

/** The parent's side of the media server: a child process, handed sockets and requests over IPC. */
export type MediaServerOptions = {
  /** Path of the built child; by default the package's own. */
  entry?: string
  apiKey: string
  apiSecret: string
  /** Address the UDP port is bound to, 127.0.0.1 by default. */
  address?: string
  /** Address that clients are told instead of the bound one: that of a router in front. */
  announcedAddress?: string
  /** UDP port, 0 (the default) for a free one. */
  port?: number
  /** A TURN server that clients get with time-limited credentials made from the secret that it shares with us. */
  turn?: Turn
  webhookUrl?: string
  /** Whether a join makes the room it names (the default), or only CreateRoom does. */
  autoCreate?: boolean
  log?: (line: string) => void
}

export type MediaRequest = { method: string; path: string; headers: Record<string, string>; body: Buffer }
export type MediaAnswer = { status: number; headers: Record<string, string>; body: Buffer }
export type ExitInfo = { code: number | null; signal: string | null }

export type MediaServer = {
  /** UDP port in use. */
  readonly port: number
  readonly pid: number
  /** False while there is no child to answer. */
  readonly isUp: boolean
  /** Takes the /rtc websocket: the socket goes to the child. */
  handleUpgrade(req: IncomingMessage, socket: Socket, head: Buffer): void
  /** /rtc/validate, /rtc/v1..., /twirp/... and /metrics. */
  handleRequest(req: MediaRequest): Promise<MediaAnswer>
  /** Called when the child ends without `close`. */
  onExit(listener: (info: ExitInfo) => void): void
  /** Ends all connections, then the child; SIGKILL after 3 s. */
  close(): Promise<void>
}

const START_MS = 15_000
const REQUEST_MS = 10_000
const CLOSE_MS = 3000
const LOOK_MS = 1000
const SILENT_LOOKS = 5

/** Rejects with an Error with code `port_taken`, or `media_server_failed`, when the child cannot start. */
export const startMediaServer = async (options: MediaServerOptions): Promise<MediaServer> => {
  const entry = options.entry ?? createRequire(import.meta.url).resolve('roomtone/process/media-server')
  const child = fork(entry, [], { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] })
  const log = options.log ?? (() => {})
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', log)
  const gone = new Promise<ExitInfo>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  const port = await ready(child, options, gone, log)

  const waiting = new Map<number, (answer: HttpAnswer) => void>()
  const underWay = new Map<number, () => void>()
  const listeners: ((info: ExitInfo) => void)[] = []
  let alive = true
  let closing = false
  let lastId = 0
  const watch = watchChild(child, log)
  child.on('message', (message: ToParent) => {
    watch.heard()
    if (message.type === 'answer') waiting.get(message.id)?.(message.answer)
    else if (message.type === 'taken') underWay.delete(message.id)
    else if (message.type === 'log') log(message.line)
  })
  void gone.then((info) => {
    alive = false
    watch.close()
    for (const resolve of waiting.values()) resolve(UNAVAILABLE)
    for (const drop of underWay.values()) drop()
    if (!closing) for (const listener of listeners) listener(info)
  })

  return {
    port,
    pid: child.pid!,
    get isUp() {
      return alive && !closing
    },
    handleUpgrade: (req, socket, head) => {
      if (!alive || closing) return refuseUpgrade(socket)
      lastId += 1
      underWay.set(lastId, dropOf(socket))
      handOver(child, socket, {
        type: 'upgrade',
        id: lastId,
        method: req.method ?? 'GET',
        url: req.url ?? '/',
        headers: req.headers,
        head,
      })
    },
    handleRequest: async ({ method, path, headers, body }) => {
      if (!alive || closing) return toAnswer(UNAVAILABLE)
      lastId += 1
      const id = lastId
      const answer = await new Promise<HttpAnswer>((resolve) => {
        const timer = setTimeout(() => resolve(UNAVAILABLE), REQUEST_MS)
        waiting.set(id, (given) => {
          clearTimeout(timer)
          resolve(given)
        })
        tell(child, { type: 'request', id, request: { method, path, headers, body } })
      })
      waiting.delete(id)
      return toAnswer(answer)
    },
    onExit: (listener) => void listeners.push(listener),
    close: async () => {
      closing = true
      if (alive) tell(child, { type: 'close' })
      const kill = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS)
      await gone
      clearTimeout(kill)
    },
  }
}

const RESTART_MS = 50
const MAX_RESTART_MS = 5000
const STEADY_MS = 10_000

/**
 * The same, started again when the child dies: at once the first time, then with growing pauses. Keeps its UDP port
 * where it can; answers 503 while there is no child. `onExit` tells of every death.
 */
export const superviseMediaServer = async (options: MediaServerOptions): Promise<MediaServer> => {
  let server = await startMediaServer(options)
  const fixedPort = server.port
  const listeners: ((info: ExitInfo) => void)[] = []
  let startedMs = performance.now()
  let pauseMs = RESTART_MS
  let closed = false
  let up = true
  let timer: NodeJS.Timeout | undefined
  let starting: Promise<void> | undefined

  const restart = async (): Promise<void> => {
    try {
      server = await startMediaServer({ ...options, port: fixedPort }).catch((error: { code?: string }) => {
        // Somebody has taken the port meanwhile: rather another than none.
        if (error.code === 'port_taken' && (options.port ?? 0) === 0) return startMediaServer({ ...options, port: 0 })
        throw error
      })
      if (closed) return await server.close()
      startedMs = performance.now()
      up = true
      watch()
    } catch (error) {
      options.log?.(`the media server did not start again: ${(error as Error).message}`)
      again()
    }
  }
  const again = (): void => {
    if (closed) return
    timer = setTimeout(() => {
      starting = restart()
    }, pauseMs)
    pauseMs = Math.min(pauseMs * 2, MAX_RESTART_MS)
  }
  const watch = (): void =>
    server.onExit((info) => {
      up = false
      if (performance.now() - startedMs > STEADY_MS) pauseMs = RESTART_MS
      options.log?.(`the media server ended (${info.signal ?? `code ${info.code}`}) and is started again`)
      for (const listener of listeners) listener(info)
      again()
    })
  watch()

  return {
    get port() {
      return server.port
    },
    get pid() {
      return server.pid
    },
    get isUp() {
      return up
    },
    handleUpgrade: (req, socket, head) => (up ? server.handleUpgrade(req, socket, head) : refuseUpgrade(socket)),
    handleRequest: async (request) => (up ? server.handleRequest(request) : toAnswer(UNAVAILABLE)),
    onExit: (listener) => void listeners.push(listener),
    close: async () => {
      closed = true
      clearTimeout(timer)
      await starting
      if (up) await server.close()
      up = false
    },
  }
}

const UNAVAILABLE: HttpAnswer = {
  status: 503,
  headers: { 'content-type': 'text/plain', 'retry-after': '1' },
  body: Buffer.from('the media server is starting again'),
}

const ready = (
  child: ChildProcess,
  options: MediaServerOptions,
  gone: Promise<ExitInfo>,
  log: (line: string) => void,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const fail = (code: string, message: string): void => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(Object.assign(new Error(message), { code }))
    }
    const timer = setTimeout(() => fail('media_server_failed', 'the media server did not start in time'), START_MS)
    void gone.then(() => fail('media_server_failed', 'the media server ended while starting'))
    child.on('message', (message: ToParent) => {
      if (message.type === 'log') log(message.line)
      if (message.type === 'refused')
        fail(message.code === 'port_taken' ? 'port_taken' : 'media_server_failed', message.message)
      if (message.type !== 'ready') return
      clearTimeout(timer)
      child.removeAllListeners('message')
      resolve(message.port)
    })
    const { apiKey, apiSecret, announcedAddress, turn, webhookUrl } = options
    const { address = '127.0.0.1', port = 0, autoCreate = true } = options
    const start = { apiKey, apiSecret, address, announcedAddress, port, turn, webhookUrl, autoCreate }
    tell(child, { type: 'start', options: start })
  })

/** Ends a child that hangs, in the media library or anywhere: it dies, and is replaced like any that died. */
const watchChild = (child: ChildProcess, log: (line: string) => void) => {
  // Looks are counted, not time: a pause of this process itself is one look.
  let silent = 0
  const timer = setInterval(() => {
    silent += 1
    if (silent !== SILENT_LOOKS) return
    log(`the media server has said nothing for ${(SILENT_LOOKS * LOOK_MS) / 1000} s and is killed`)
    child.kill('SIGKILL')
  }, LOOK_MS)
  return {
    heard: () => {
      silent = 0
    },
    close: () => clearInterval(timer),
  }
}

/** A child that has just died must not turn into an exception here: its exit is told elsewhere. */
const tell = (child: ChildProcess, message: ToChild): void => {
  if (child.connected) child.send(message, () => {})
}

/**
 * Sends a socket away for good. Node would note on the HTTP server that a child holds one of its sockets, and
 * `server.close` would then ask that child, or wait for ever once it is dead; so the tie is cut first, and the empty
 * socket destroyed so that the server stops counting it. Until the child has said that the socket came, this process
 * holds it, too, and Node goes on reading from it into nothing: a client's first message would be lost now and then.
 */
const handOver = (child: ChildProcess, socket: Socket, message: ToChild): void => {
  Object.assign(socket, { server: null })
  handleOf(socket)?.readStop()
  child.send(message, socket, () => socket.destroy())
}

type Handle = { close(): void; readStop(): void }
const handleOf = (socket: Socket) => (socket as Socket & { _handle: Handle | null })._handle

/**
 * Closes a socket whose new owner died before it came there. Node forgets the handle of a socket on its way, and the
 * client would wait for ever; closing what is closed already does nothing.
 */
const dropOf = (socket: Socket): (() => void) => {
  const handle = handleOf(socket)
  return () => {
    socket.destroy()
    handle?.close()
  }
}

const refuseUpgrade = (socket: Socket): void => {
  socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
}

const toAnswer = ({ status, headers, body }: HttpAnswer): MediaAnswer => ({ status, headers, body: Buffer.from(body) })
