import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HouseSettings } from './settings.ts'
import type { Store } from './store.ts'
import type { UnhostedAlert } from './unhosted.ts'

/** One thing that happened, for the log: never a phone number, code, token or room content (R22). */
export type LogEntry = { level: 'info' | 'warn' | 'error'; event: string } & Record<string, unknown>
export type Log = (level: LogEntry['level'], event: string, facts?: Record<string, unknown>) => void

/** The media plane: any LiveKit server. Without `url` it is embedded, reached through this server's own listener. */
export type MediaPlane = {
  url?: string
  apiKey: string
  apiSecret: string
  /** The embedded media server: it takes `/rtc` and `/twirp` of this server's listener. */
  attach?: {
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
    handleRequest(request: AttachedRequest): Promise<AttachedAnswer>
    /** Its processes, where it is more than one or may be. */
    workers?: readonly { readonly isUp: boolean }[]
    /** Counts of each worker; undefined for one that is being started again. */
    metrics?(): Promise<(Record<string, number> | undefined)[]>
  }
}
/** `path` with its query. */
type AttachedRequest = { method: string; path: string; headers: Record<string, string>; body: Buffer }
type AttachedAnswer = { status: number; headers: Record<string, string>; body: Buffer }

/** What rules and handlers are made of. Time and randomness come from here alone. */
export type Deps = {
  store: Store
  /** Milliseconds since 1970. */
  now(): number
  randomBytes(count: number): Buffer
  settings: HouseSettings
  log: Log
  media: MediaPlane
  /** Told once when a scheduled session has no host, and once when it has. */
  onUnhosted(alert: UnhostedAlert): void
  /** `http://127.0.0.1:8080`: this server's own listener; known once it listens. */
  ownUrl(): string
  /** Where people reach this server; `ownUrl` unless configured. */
  publicUrl(): string
}
