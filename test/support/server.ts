import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogEntry, MediaPlane } from '../../src/server/deps.ts'
import { type ServerOptions, startServer } from '../../src/server/server.ts'
import type { HouseSettings } from '../../src/server/settings.ts'
import { type MediaServer, superviseMediaServer } from '../../src/sfu/process.ts'
import { freePort } from './free-port.ts'
import { API_KEY, API_SECRET, buildMediaServer } from './media-server.ts'
import { noPostgres, startPostgres, type TestPostgres } from './postgres.ts'
import { startProjectMedia } from './project-media.ts'
import { ram } from './ram.ts'
import { storeTemplate } from './store-template.ts'

export type StoreKind = 'pglite' | 'postgresql'
/** For `describe.each(stores)`; the reason is in the title of what is skipped. */
export const stores: StoreKind[] = ['pglite', 'postgresql']
export const storeMissing = (kind: StoreKind): string | null => (kind === 'postgresql' ? noPostgres : null)

export type TestServerOptions = Partial<Omit<ServerOptions, 'store' | 'log' | 'media'>> & {
  store?: StoreKind
  /** `embedded`: the real media server, a private build of it. `project`: that, or a livekit-server, as the vitest project is. `none`: rooms without sound. */
  media?: 'embedded' | 'project' | 'none' | MediaPlane
  /** Where that media server is to be reached; loopback unless said. */
  mediaAddress?: string
  /** Data of an earlier test server, kept over a restart: its `data`. */
  data?: TestServerData
}
export type TestServerData = { folder: string; databaseUrl: string | undefined }
export type Sms = { at: string; to: string; text: string }
export type TestServer = {
  url: string
  port: number
  data: TestServerData
  /** Messages sent so far. */
  outbox(): Sms[]
  /** What the server logged so far. */
  logs: LogEntry[]
  /** The embedded media server. */
  media: MediaServer | null
  /** Kills the media server of either kind; it is started again at once. */
  killMedia(): Promise<void>
  stats(): { liveRooms: number; seats: number; subscribers: number }
  /** Stops the server, keeps its data for another `startTestServer({ data })`. */
  stop(): Promise<void>
  /** Stops it and removes its data. */
  close(): Promise<void>
}

/** The real server on a free port of loopback, with an outbox for SMS. */
export const startTestServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const { store: kind = 'pglite', data = await makeData(kind), media = 'none', mediaAddress, ...rest } = options
  const outboxPath = join(data.folder, 'outbox.jsonl')
  const logs: LogEntry[] = []
  const port = options.port ?? (await freePort())
  // Told of at once by webhooks, unlike those of a House.
  const livekit =
    media === 'project'
      ? await startProjectMedia({
          address: mediaAddress,
          webhookUrls: [`http://127.0.0.1:${port}/api/webhooks/livekit`],
        })
      : undefined
  const embedded =
    media === 'embedded' || (media === 'project' && !livekit) ? await startEmbeddedMedia(port, mediaAddress) : null
  const plane = livekit ? { url: livekit.url, apiKey: livekit.key, apiSecret: livekit.secret } : embedded?.plane
  const server = await startServer({
    host: '127.0.0.1',
    version: '0.0.0-test',
    sms: { door: 'outbox', path: outboxPath },
    ...rest,
    port,
    media: plane ?? (typeof media === 'object' ? media : noMedia),
    settings: { ...testSettings, ...options.settings },
    store: { dataDir: data.folder, databaseUrl: data.databaseUrl },
    log: (entry) => logs.push(entry),
  })
  let isStopped = false
  const stop = async () => {
    if (isStopped) return
    isStopped = true
    await server.close()
    await embedded?.media.close()
    await livekit?.close()
  }
  return {
    media: embedded?.media ?? null,
    killMedia: async () => {
      if (embedded) process.kill(embedded.media.pid, 'SIGKILL')
      await livekit?.kill()
      await livekit?.restart()
    },
    url: server.url,
    port: server.port,
    data,
    logs,
    outbox: () => readOutbox(outboxPath),
    stats: server.stats,
    stop,
    close: async () => {
      await stop()
      rmSync(data.folder, { recursive: true, force: true })
    },
  }
}

/** Ends what the servers of a test file shared; for `afterAll`. */
export const closeStores = async (): Promise<void> => {
  const running = await postgres
  postgres = undefined
  await running?.close()
}

/** An empty, migrated place for a server's data. */
export const makeData = async (kind: StoreKind): Promise<TestServerData> => {
  const folder = mkdtempSync(join(ram(), 'roomtone-server-'))
  if (kind === 'pglite') {
    await cp(await storeTemplate(), folder, { recursive: true })
    return { folder, databaseUrl: undefined }
  }
  postgres ??= startPostgres()
  return { folder, databaseUrl: await (await postgres).createDatabase() }
}

// Tests sign many numbers in from one address, some more than once.
const testSettings: Partial<HouseSettings> = { resendAfterMs: 0, codesPerNumberPerHour: 100, codesPerNumberPerDay: 100 }

let mediaEntry: string | undefined

// The media server must know where to post before the server that starts with it listens: so the port is chosen first.
const startEmbeddedMedia = async (
  port: number,
  address?: string,
): Promise<{ media: MediaServer; plane: MediaPlane }> => {
  mediaEntry ??= buildMediaServer()
  const media = await superviseMediaServer({
    entry: mediaEntry,
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    address,
    webhookUrl: `http://127.0.0.1:${port}/api/webhooks/livekit`,
  })
  return { media, plane: { apiKey: API_KEY, apiSecret: API_SECRET, attach: media } }
}

let postgres: Promise<TestPostgres> | undefined

// Nobody listens there: rooms without media in these tests.
const noMedia: MediaPlane = { url: 'ws://127.0.0.1:9', apiKey: 'key', apiSecret: 'secret-secret-secret-secret-secret' }

const readOutbox = (path: string): Sms[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Sms)
    : []
