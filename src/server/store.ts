import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { migrate } from './migrations.ts'
import { openPglite } from './store/pglite.ts'
import type { Database } from './tables.ts'

export type Db = Kysely<Database> | Transaction<Database>

export type Store = {
  kind: 'pglite' | 'postgresql'
  db: Kysely<Database>
  /**
   * Runs `work` in one transaction, again when the database asks for it (deadlock, serialization). Inside, use the
   * transaction it is handed alone: the embedded store has one connection, and `db` would wait for itself.
   */
  transaction<T>(work: (trx: Transaction<Database>) => Promise<T>): Promise<T>
  close(): Promise<void>
}
export type StoreOptions = { dataDir: string } | { databaseUrl: string }

/**
 * Opens and migrates the store: PGlite in `dataDir`, or a PostgreSQL server. Error codes: `data-in-use`,
 * `data-newer` (a later version of the program wrote it), `store-unreachable`.
 */
export const openStore = async (options: StoreOptions): Promise<Store> => {
  const embedded = 'dataDir' in options ? await openPglite(options.dataDir) : null
  const pool = new pg.Pool({
    ...(embedded?.poolConfig ?? { connectionString: (options as { databaseUrl: string }).databaseUrl, max: 10 }),
    types: { getTypeParser },
  })
  // An idle connection that the server drops is replaced on the next query.
  pool.on('error', () => {})
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  const close = async () => {
    await db.destroy()
    await embedded?.close()
  }
  try {
    await migrate(db)
  } catch (error) {
    await close().catch(() => {})
    throw embedded ? error : unreachable(error)
  }
  return {
    kind: embedded ? 'pglite' : 'postgresql',
    db,
    transaction: (work) => transact(db, work),
    close,
  }
}

const int8Oid = 20
// bigint and count(*) fit a double here: instants in milliseconds and counts of rows.
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === int8Oid ? Number : pg.types.getTypeParser(oid, format ?? 'text')) as typeof pg.types.getTypeParser

// PostgreSQL, appendix A: serialization_failure, deadlock_detected.
const retryable = new Set(['40001', '40P01'])

const transact = async <T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
  triesLeft = 4,
): Promise<T> => {
  try {
    return await db.transaction().execute(work)
  } catch (error) {
    if (triesLeft > 0 && retryable.has((error as { code?: string }).code ?? ''))
      return transact(db, work, triesLeft - 1)
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
