import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { apiError } from '../protocol/errors.ts'
import { startAccounts } from './accounts.ts'
import { attachMedia } from './attach-media.ts'
import type { Handlers } from './call.ts'
import { clientUrlOf, joinCluster } from './cluster.ts'
import type { Deps, Log, LogEntry, MediaPlane } from './deps.ts'
import { callerOf, createHttp, serveRoutes } from './http.ts'
import { loadServerKey } from './key.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { serveOpenApi } from './openapi.ts'
import { type RoomPlane, startRoomPlane } from './room-plane.ts'
import { defaultSettings, type HouseSettings } from './settings.ts'
import { checkSmsDoor, createSmsDoor, type SmsOptions } from './sms.ts'
import { openStore, type Store } from './store.ts'
import type { UnhostedAlert } from './unhosted.ts'

export type ServerOptions = {
  host: string
  /** 0: any free one. */
  port: number
  /** `dataDir` holds the key file in both cases, and the data where no database is named. */
  store: { dataDir: string; databaseUrl?: string }
  sms: SmsOptions
  /** The first operator's number, E.164. */
  operatorPhone?: string
  publicUrl?: string
  media: MediaPlane
  /** Told once when a scheduled session has no host 60 s after its start, and once when it has. */
  onUnhosted?: (alert: UnhostedAlert) => void
  /** Opens /metrics to whoever has it; this machine needs none. */
  metricsToken?: string
  settings?: Partial<HouseSettings>
  now?: () => number
  randomBytes?: (count: number) => Buffer
  version: string
  /** Instead of JSON lines on stderr. */
  log?: (entry: LogEntry) => void
}

export type Server = {
  url: string
  port: number
  stats(): { liveRooms: number; seats: number; subscribers: number }
  /**
   * Resolves when the server cannot go on; it answers 503 from then on, and is to be closed. Codes: `disk-full`,
   * `store-failed`. Nothing acknowledged is lost.
   */
  failed: Promise<Error & { code: string }>
  close(): Promise<void>
}

/**
 * The control plane. Listens when this resolves. Error codes: `port-taken`, `bad-input`, `data-in-use`, `data-newer`,
 * `data-damaged`, `disk-full`, `wrong-key`, `store-unreachable`, `store-refused`.
 */
export const startServer = async (options: ServerOptions): Promise<Server> => {
  await checkSmsDoor(options.sms, options.host)
  const { dataDir, databaseUrl } = options.store
  const log = createLog(options.log)
  const key = await loadServerKey(dataDir)
  const metrics = createMetrics()
  const store = await openStore(databaseUrl ? { databaseUrl } : { dataDir }, metrics.store)
  const settings = { ...defaultSettings, ...options.settings }
  const now = options.now ?? Date.now
  const app = createHttp({ settings, log })
  refuseAfterFailure(app, store, log)
  let { port } = options
  const ownUrl = () => {
    // Kept: a server that is closing listens no more, and what is still under way asks for its address.
    port = (app.server.address() as AddressInfo | null)?.port ?? port
    return urlOf(options.host, port)
  }
  const deps: Deps = {
    store,
    now,
    randomBytes: options.randomBytes ?? randomBytes,
    settings,
    log,
    media: options.media,
    onUnhosted: (alert) => {
      metrics.onUnhosted(alert.state)
      options.onUnhosted?.(alert)
    },
    ownUrl,
    publicUrl: () => options.publicUrl?.replace(/\/+$/, '') ?? ownUrl(),
  }
  const sms = createSmsDoor(options.sms, deps, metrics.onSms)
  let rooms: RoomPlane | undefined
  // In this order: nobody is served, then nothing changes, then nothing is stored.
  const close = async () => {
    await app.close()
    await rooms?.close()
    await sms.close()
    await store.close()
  }
  try {
    const accounts = await startAccounts({ ...deps, key, sms }, { operatorPhone: options.operatorPhone })
    const http = { settings, now, log, authenticate: accounts.authenticate }
    const plane = await startRoomPlane(deps, await joinCluster(deps, key), app, (request) => callerOf(request, http))
    rooms = plane
    accounts.onSessionRevoked(plane.onSessionRevoked)
    const stats = plane.counts
    const handlers: Handlers = {
      ...plane.handlers,
      ...accounts.handlers,
      server: async () => ({
        name: 'roomtone',
        version: options.version,
        sms: { door: options.sms.door, gateway: options.sms.door === 'webhook' },
        media: {
          url: clientUrlOf(options.media, deps.publicUrl()),
          isEmbedded: options.media.url === undefined,
          workers: workersOf(options.media),
          watch: plane.media().watch,
          problem: plane.media().problem?.message ?? null,
        },
        store: store.kind,
        ...stats(),
      }),
    }
    metrics.serve(app, { token: options.metricsToken, counts: stats, media: options.media })
    serveRoutes(app, handlers, http)
    serveOpenApi(app, options.version)
    const detachMedia = attachMedia(app, options.media, log)
    app.addHook('preClose', async () => {
      plane.endStreams()
      detachMedia()
    })
    await listen(app, options.host, options.port)
    const url = ownUrl()
    log('info', 'listening', { url, store: store.kind, sms: options.sms.door })
    return { url, port, stats, failed: store.failed, close }
  } catch (error) {
    await close()
    throw error
  }
}

const refuseAfterFailure = (app: FastifyInstance, store: Store, log: Log): void => {
  let failure: Error | undefined
  void store.failed.then((error) => {
    failure = error
    log('error', 'store-failed', { code: error.code, message: error.message })
  })
  app.addHook('onRequest', async () => {
    if (failure) throw apiError('unavailable', 'The server cannot store anything more; its operator knows why.')
  })
}

const listen = async (app: FastifyInstance, host: string, port: number): Promise<void> => {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenProblem(error as Error, host, port)
  }
}

/** Why one cannot listen there: `port-taken` or `bad-input`, with a sentence; else the error as it is. */
export const listenProblem = (error: NodeJS.ErrnoException, host: string, port: number): Error => {
  const { code = '' } = error
  if (code === 'EADDRINUSE') return coded('port-taken', `Port ${port} on ${host} is taken by another program.`)
  if (code === 'EACCES') return coded('port-taken', `This user may not listen on port ${port}.`)
  // EAI_AGAIN: a name that no name server could be asked about.
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'].includes(code))
    return coded('bad-input', `This machine has no address ${host} to listen on.`)
  return error
}

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })

/** Where this machine reaches what listens there: an address that means "all of them" is no address to call. */
export const urlOf = (host: string, port: number): string => {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  return `http://${reachable}:${port}`
}

const workersOf = ({ attach }: MediaPlane) =>
  attach?.workers ? { all: attach.workers.length, running: attach.workers.filter(({ isUp }) => isUp).length } : null
