import { type Kysely, sql } from 'kysely'

export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw('alter table session_spent add column trade_hash text, add column next_hash text').execute(db)
}
