import type { Kysely } from 'kysely'

export const up = async (_db: Kysely<never>): Promise<void> => {}
