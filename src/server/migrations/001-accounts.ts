import { type Kysely, sql } from 'kysely'

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table house (
    id integer primary key check (id = 1),
    key_check text not null,
    created_at bigint not null
  )`,
  `create table account (
    id uuid primary key,
    handle text not null unique,
    name text not null,
    kind text not null check (kind in ('person', 'bot')),
    is_operator boolean not null default false,
    owner_id uuid references account (id) on delete cascade,
    phone_hash text unique,
    created_at bigint not null
  )`,
  `create table login (
    id uuid primary key,
    phone_hash text not null,
    address_hash text not null,
    prefix_hash text not null,
    country text not null,
    code_hash text not null,
    tries integer not null default 0,
    was_sent boolean not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
  )`,
  'create index login_created_at on login (created_at)',
  'create index login_phone on login (phone_hash, created_at)',
  `create table session (
    id uuid primary key,
    account_id uuid not null references account (id) on delete cascade,
    client text not null,
    refresh_hash text not null unique,
    refresh_expires_at bigint not null,
    created_at bigint not null,
    last_used_at bigint not null
  )`,
  'create index session_account on session (account_id)',
  `create table session_access (
    hash text primary key,
    session_id uuid not null references session (id) on delete cascade,
    expires_at bigint not null
  )`,
  'create index session_access_session on session_access (session_id)',
  `create table session_spent (
    refresh_hash text primary key,
    session_id uuid not null references session (id) on delete cascade,
    spent_at bigint not null
  )`,
  'create index session_spent_session on session_spent (session_id)',
  `create table bot_token (
    account_id uuid primary key references account (id) on delete cascade,
    owner_id uuid not null references account (id) on delete cascade,
    name text not null,
    hash text not null unique,
    created_at bigint not null,
    last_used_at bigint,
    unique (owner_id, name)
  )`,
]
