import { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { migrate } from './migrations.ts'
import { openPglite } from './store/pglite.ts'
import type { Database } from './tables.ts'

export type Db = Kysely<Database> | Transaction<Database>

export type Store = {
  kind: 'pglite' | 'postgresql'
  /** Of the PostgreSQL server, which others may use, too; null for the embedded store, which is one server's. */
  url: string | null
  db: Kysely<Database>
  /**
   * Runs `work` in one transaction, again when the database asks for it (deadlock, serialization). Inside, use the
   * transaction it is handed alone: the embedded store has one connection, and `db` would wait for itself.
   */
  transaction<T>(work: (trx: Transaction<Database>) => Promise<T>): Promise<T>
  /** Resolves when the store can do nothing more (the disk under the embedded one is full or gone); `code` `disk-full` or `store-failed`. */
  failed: Promise<StoreError>
  close(): Promise<void>
}
type StoreError = Error & { code: string }
/** `answersWithinMs`: a PostgreSQL server that says nothing for so long is taken for gone; 30 s. */
export type StoreOptions = { dataDir: string } | { databaseUrl: string; answersWithinMs?: number }
/** Told of each connection that work waited for, and of each query: how long, in milliseconds. */
export type StoreWatch = { onWaited(ms: number): void; onAnswered(ms: number): void }

/**
 * Opens and migrates the store: PGlite in `dataDir`, or a PostgreSQL server. Error codes: `data-in-use`,
 * `data-newer` (a later version of the program wrote it), `disk-full`, `data-damaged`, `store-unreachable` (no database
 * answers), `store-refused` (one does, but lets us not in).
 */
export const openStore = async (options: StoreOptions, watch?: StoreWatch): Promise<Store> => {
  const embedded = 'dataDir' in options ? await openPglite(options.dataDir) : null
  const remote = 'databaseUrl' in options ? options : null
  const url = remote?.databaseUrl ?? null
  const pool = new pg.Pool({
    ...(embedded?.poolConfig ?? {
      connectionString: url!,
      max: 10,
      ...bounds,
      stream: attentive(remote?.answersWithinMs),
    }),
    types: { getTypeParser },
    // A wait that cannot end, e.g. for the embedded store's one connection inside a transaction, becomes an error.
    connectionTimeoutMillis: ANSWER_MS,
  })
  // A connection that the database drops fails its query, if any, and is replaced; without these it would end us.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const { promise: failed, resolve: tellFailed } = resolvable<StoreError>()
  let hasFailed = false
  const fail = (error: unknown) => {
    if (!embedded || hasFailed) return
    hasFailed = true
    tellFailed(embedded.explain(error))
  }
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: watch ? timed(pool, watch) : pool }),
    log: (event) => {
      watch?.onAnswered(event.queryDurationMillis)
      // After a panic the embedded database answers nothing more, not even an error.
      if (event.level === 'error' && isEnd(event.error)) fail(event.error)
    },
  })
  const unwatch = embedded?.watch(fail)
  const close = async () => {
    unwatch?.()
    if (!hasFailed) await db.destroy()
    await (hasFailed ? embedded?.abandon() : embedded?.close())
  }
  try {
    if (url !== null) await firstContact(url)
    await migrate(db)
  } catch (error) {
    await close().catch(() => {})
    throw embedded && hasFailed ? embedded.explain(error) : error
  }
  return {
    kind: embedded ? 'pglite' : 'postgresql',
    url,
    db,
    transaction: async (work) => {
      // PGlite answers without leaving this turn of the event loop: a chain of transactions would let nothing else in.
      if (embedded) await nextTurn()
      return transact(db, work)
    },
    failed,
    close,
  }
}

// PostgreSQL, appendix A, class 58: its files cannot be read, written or found. A full disk (53100) may pass.
const isEnd = (error: unknown): boolean => {
  const { severity = '', code = '' } = error as { severity?: string; code?: string }
  return ['PANIC', 'FATAL'].includes(severity) || /^58...$/.test(code)
}

const resolvable = <T>() => {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const timed = (pool: pg.Pool, { onWaited }: StoreWatch) => ({
  connect: async () => {
    const since = performance.now()
    try {
      return await pool.connect()
    } finally {
      onWaited(performance.now() - since)
    }
  },
  end: () => pool.end(),
})

const int8Oid = 20
// bigint and count(*) fit a double here: instants in milliseconds and counts of rows.
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === int8Oid ? Number : pg.types.getTypeParser(oid, format ?? 'text')) as typeof pg.types.getTypeParser

// A server that was stopped in the middle of a transaction must not hold the others up: the database ends that
// transaction, and before that the waiting of its next ones, each of which would be given the lock in turn.
const bounds = { idle_in_transaction_session_timeout: 4_000, lock_timeout: 3_000 }

const ANSWER_MS = 30_000

/**
 * Sockets that end when nothing comes or goes for so long. A database that vanished without a word, e.g. behind a network
 * that swallows everything, would else hold its connections for the quarter of an hour in which TCP tries again.
 */
const attentive =
  (withinMs = ANSWER_MS) =>
  () => {
    const socket = new Socket()
    const silent = () => Object.assign(new Error(`The database was silent for ${withinMs} ms.`), { code: 'ETIMEDOUT' })
    return socket.setTimeout(withinMs, () => socket.destroy(silent()))
  }

// PostgreSQL, appendix A: serialization_failure, deadlock_detected, lock_not_available, idle_in_transaction_session_timeout.
const retryable = new Set(['40001', '40P01', '55P03', '25P03'])

// The last is pg's own word on a connection that was gone before the query: nothing was committed on it.
const mayRetry = ({ code = '', message }: Error & { code?: string }): boolean =>
  retryable.has(code) || /is not queryable$/.test(message)

const transact = async <T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
  triesLeft = 4,
): Promise<T> => {
  try {
    return await db.transaction().execute(work)
  } catch (error) {
    if (triesLeft > 0 && mayRetry(error as Error)) return transact(db, work, triesLeft - 1)
    throw error
  }
}

const CONTACT_MS = 10_000

const firstContact = async (databaseUrl: string): Promise<void> => {
  // A socket of ours: pg leaves one open when it cannot sign in.
  const socket = new Socket()
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONTACT_MS,
    stream: () => socket,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
  } catch (error) {
    socket.destroy()
    throw noContact(error as Error & { code?: string })
  }
}

const noContact = ({ code = '', message }: Error & { code?: string }): Error => {
  // pg's own words, before anything is sent.
  const wantsPassword = /password must be/.test(message)
  // PostgreSQL, appendix A: class 28 not let in, 3D no such database, 42501 no right to it.
  const isRefused = wantsPassword || /^(28...|3D...|42501)$/.test(code)
  const reason = wantsPassword ? 'it wants a password, and there is none in its URL' : message || code
  return Object.assign(new Error(`The database ${isRefused ? 'refuses us' : 'cannot be reached'}: ${reason}.`), {
    code: isRefused ? 'store-refused' : 'store-unreachable',
  })
}
