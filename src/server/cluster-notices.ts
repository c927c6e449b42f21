import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import type { Log } from './deps.ts'
import type { Db, Store } from './store.ts'

/**
 * What the servers of one database tell each other by NOTIFY: only that something is to be read, as a notice may be
 * lost and may be 8,000 bytes long at most.
 */
export type Notice = { topic: string; seq: number } | { accountId: string; sessionId: string | null }

export const noticeChannel = 'roomtone'

export type Notices = {
  /** While false, and up to `onGap`, nothing is told. */
  isListening(): boolean
  close(): Promise<void>
}
export type NoticeListener = {
  onNotice(notice: Notice): void
  /** Listening begins, or begins anew: what was told meanwhile was missed. */
  onGap(): void
}

export const sendNotice = async ({ kind, db }: Pick<Store, 'kind'> & { db: Db }, notice: Notice): Promise<void> => {
  if (kind !== 'postgresql') return
  await sql`select pg_notify(${noticeChannel}, ${JSON.stringify(notice)})`.execute(db)
}

/** Listens on a connection of its own, which is made anew when it breaks or does not answer any more. */
export const startNotices = (databaseUrl: string, { onNotice, onGap }: NoticeListener, log: Log): Notices => {
  const closing = new AbortController()
  let client: pg.Client | undefined
  let isListening = false

  const listen = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      keepAlive: true,
    })
    client = next
    const broken = new Promise<void>((resolve) => {
      next.once('error', () => resolve())
      next.once('end', () => resolve())
    })
    // Errors after the first, e.g. of a socket that breaks twice, would end the process.
    next.on('error', () => {})
    try {
      await next.connect()
      next.on('notification', ({ payload }) => take(payload))
      await next.query(`listen ${noticeChannel}`)
      isListening = true
      onGap()
      await Promise.race([broken, failsToAnswer(next, closing.signal)])
    } finally {
      isListening = false
      await next.end().catch(() => {})
    }
  }

  const take = (payload: string | undefined) => {
    try {
      onNotice(JSON.parse(payload ?? '') as Notice)
    } catch {
      // Somebody else's word on our channel; what is to be read is found by looking, too.
    }
  }

  const keepListening = async () => {
    while (!closing.signal.aborted) {
      const cause = await listen().then(
        () => 'the connection ended',
        (error: Error) => error.message,
      )
      if (closing.signal.aborted) return
      log('warn', 'notices-lost', { message: cause })
      await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  const running = keepListening()
  return {
    isListening: () => isListening,
    close: async () => {
      closing.abort()
      await client?.end().catch(() => {})
      await running
    },
  }
}

const retryMs = 500
const askMs = 10_000

/** Resolves when the connection no longer answers: a network that swallows everything breaks no connection. */
const failsToAnswer = async (client: pg.Client, closing: AbortSignal): Promise<void> => {
  try {
    for (;;) {
      await sleep(askMs, undefined, { signal: closing, ref: false })
      await client.query('select 1')
    }
  } catch {}
}
