import { sql, type Transaction } from 'kysely'
import { takeLease } from './domain/lease.ts'
import type { Db, Store } from './store.ts'
import type { Database } from './tables.ts'

/** A turn of the work that one server does for all. */
export type Turn = {
  /** For how long nobody had a turn; infinite when that is not known. */
  idleMs: number
  /** Throws `turn-over` where another server has taken the work; to be called in each transaction of the work. */
  guard(trx: Transaction<Database>): Promise<void>
}
export type Lease = {
  /** Null while another server does the work. */
  take(): Promise<Turn | null>
  /** Whether the last turn was this server's, and not long ago. */
  isHeld(): boolean
  /** Another server may take it at once. */
  release(): Promise<void>
}

export const isTurnOver = (error: unknown): boolean => (error as { code?: unknown })?.code === 'turn-over'

/** The embedded store has one server, so every turn is its. */
export const soleLease: Lease = {
  take: async () => ({ idleMs: Number.POSITIVE_INFINITY, guard: async () => {} }),
  isHeld: () => true,
  release: async () => {},
}

/** Milliseconds since 1970 on the database's clock. */
export const storeNow = async (db: Db): Promise<number> => {
  const { rows } = await sql<{
    now: number
  }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db)
  return rows[0]!.now
}

/**
 * A lease row with an expiry, renewed by each turn. Its row stays locked during the transactions of the work, so that
 * whoever takes it over waits for them; the database ends those of a server that was stopped in the middle.
 */
export const createLease = (store: Store, name: string, holder: () => string, ttlMs: number): Lease => {
  let heldUntil = 0
  return {
    take: async () => {
      const askedAt = performance.now()
      const turn = await store.transaction((trx) => takeIn(trx, name, holder(), ttlMs))
      heldUntil = turn ? askedAt + ttlMs : 0
      return turn
    },
    isHeld: () => performance.now() < heldUntil,
    release: async () => {
      heldUntil = 0
      await store.db
        .updateTable('lease')
        .set({ expires_at: 0 })
        .where('name', '=', name)
        .where('holder', '=', holder())
        .execute()
    },
  }
}

const takeIn = async (
  trx: Transaction<Database>,
  name: string,
  server: string,
  ttlMs: number,
): Promise<Turn | null> => {
  const row = await trx.selectFrom('lease').selectAll().where('name', '=', name).forUpdate().executeTakeFirst()
  const state = row ? { holder: row.holder, fence: row.fence, beatAt: row.beat_at, expiresAt: row.expires_at } : null
  const taken = takeLease(state, server, { now: await storeNow(trx), ttlMs })
  if (!taken) return null
  const { fence, beatAt, expiresAt } = taken.lease
  const values = { holder: server, fence, beat_at: beatAt, expires_at: expiresAt }
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('lease')
    .values({ name, ...values })
    // Of two that find no row, one makes it.
    .onConflict((conflict) => (row ? conflict.column('name').doUpdateSet(values) : conflict.doNothing()))
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 0n ? null : { idleMs: taken.idleMs, guard: guardOf(name, server, fence) }
}

const guardOf =
  (name: string, holder: string, fence: number): Turn['guard'] =>
  async (trx) => {
    const mine = await trx
      .selectFrom('lease')
      .select('name')
      .where('name', '=', name)
      .where('holder', '=', holder)
      .where('fence', '=', fence)
      .forShare()
      .executeTakeFirst()
    if (!mine) throw Object.assign(new Error('Another server has taken over this work.'), { code: 'turn-over' })
  }
