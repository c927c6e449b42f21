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
  /** Resolves when the store can do nothing more (a full disk under the embedded one); `code` `disk-full` or `store-failed`. */
  failed: Promise<StoreError>
  close(): Promise<void>
}
type StoreError = Error & { code: string }
export type StoreOptions = { dataDir: string } | { databaseUrl: string }

/**
 * Opens and migrates the store: PGlite in `dataDir`, or a PostgreSQL server. Error codes: `data-in-use`,
 * `data-newer` (a later version of the program wrote it), `disk-full`, `data-damaged`, `store-unreachable`.
 */
export const openStore = async (options: StoreOptions): Promise<Store> => {
  const embedded = 'dataDir' in options ? await openPglite(options.dataDir) : null
  const url = 'databaseUrl' in options ? options.databaseUrl : null
  const pool = new pg.Pool({
    ...(embedded?.poolConfig ?? { connectionString: url!, max: 10, ...bounds }),
    types: { getTypeParser },
    // A wait that cannot end, e.g. for the embedded store's one connection inside a transaction, becomes an error.
    connectionTimeoutMillis: 30_000,
  })
  // A connection that the database drops fails its query, if any, and is replaced; without these it would end us.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const { promise: failed, resolve: fail } = resolvable<StoreError>()
  let hasFailed = false
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    log: (event) => {
      // After a panic the embedded database answers nothing more, not even an error.
      if (!embedded || hasFailed || event.level !== 'error' || !isPanic(event.error)) return
      hasFailed = true
      fail(embedded.explain(event.error))
    },
  })
  const close = async () => {
    if (!hasFailed) await db.destroy()
    await (hasFailed ? embedded?.abandon() : embedded?.close())
  }
  try {
    await migrate(db)
  } catch (error) {
    await close().catch(() => {})
    throw embedded ? (hasFailed ? embedded.explain(error) : error) : unreachable(error)
  }
  return {
    kind: embedded ? 'pglite' : 'postgresql',
    url,
    db,
    transaction: (work) => transact(db, work),
    failed,
    close,
  }
}

const isPanic = (error: unknown): boolean =>
  ['PANIC', 'FATAL'].includes((error as { severity?: string })?.severity ?? '')

const resolvable = <T>() => {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const int8Oid = 20
// bigint and count(*) fit a double here: instants in milliseconds and counts of rows.
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === int8Oid ? Number : pg.types.getTypeParser(oid, format ?? 'text')) as typeof pg.types.getTypeParser

// A server that was stopped in the middle of a transaction must not hold the others up: the database ends that
// transaction, and before that the waiting of its next ones, each of which would be given the lock in turn.
const bounds = { idle_in_transaction_session_timeout: 4_000, lock_timeout: 3_000 }

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

// Node's network errors and PostgreSQL's class 08, 28 and 3D errors: nobody there, not let in, no such database.
const unreachable = (error: unknown): unknown => {
  const code = (error as { code?: string }).code ?? ''
  if (!/^(E[A-Z]+|08...|28...|3D...|57P03)$/.test(code)) return error
  return Object.assign(new Error(`The database cannot be used: ${(error as Error).message || code}.`), {
    code: 'store-unreachable',
  })
}
