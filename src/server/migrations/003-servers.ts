import { type Kysely, sql } from 'kysely'

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table server (
    id uuid primary key,
    url text not null,
    media_url text not null,
    media_check text not null,
    beat_at bigint not null
  )`,
  `create table lease (
    name text primary key,
    holder uuid not null,
    fence bigint not null,
    beat_at bigint not null,
    expires_at bigint not null
  )`,
  // No foreign key: a room keeps the id of a server that is gone until it has been moved.
  'alter table room add column media_server uuid',
  'create index room_media_server on room (media_server) where media_server is not null',
]
