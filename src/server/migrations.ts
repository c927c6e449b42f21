import { type Kysely, sql } from 'kysely'
import { up as accounts } from './migrations/001-accounts.ts'
import { up as rooms } from './migrations/002-rooms.ts'
import { up as servers } from './migrations/003-servers.ts'
import { up as trades } from './migrations/004-trades.ts'
import { up as sessions } from './migrations/005-sessions.ts'
import type { Database } from './tables.ts'

/** Forward only: a step that was released is never changed; the number of steps is the version of the data. */
const steps: ((db: Kysely<never>) => Promise<void>)[] = [accounts, rooms, servers, trades, sessions]

const lockKey = 7_205_181

/** Brings the data up to date in one transaction, under a lock. Error code `data-newer`. */
export const migrate = async (db: Kysely<Database>): Promise<void> =>
  db.transaction().execute(async (trx) => {
    // Another server that starts at this moment may take its time.
    await sql`set local lock_timeout = 0`.execute(trx)
    await sql`select pg_advisory_xact_lock(${sql.lit(lockKey)})`.execute(trx)
    await sql`create table if not exists schema_version (version integer not null)`.execute(trx)
    const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(trx)
    const version = rows[0]?.version ?? 0
    if (version > steps.length) throw newer(version)
    for (const step of steps.slice(version)) await step(trx as unknown as Kysely<never>)
    await sql`delete from schema_version`.execute(trx)
    await sql`insert into schema_version values (${steps.length})`.execute(trx)
  })

const newer = (version: number): Error =>
  Object.assign(
    new Error(
      `The data was written by a later version of roomtone (data version ${version}, this program knows ${steps.length}). Use that version.`,
    ),
    { code: 'data-newer' },
  )
