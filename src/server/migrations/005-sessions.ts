import { type Kysely, sql } from 'kysely'

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `alter table room
    add column topic text,
    add column language text,
    add column sound text not null default 'voice',
    add column hands_list_json text not null default '[]',
    add column event_id uuid,
    add column ruled text,
    add column starts_at bigint,
    add column closes_at bigint`,
  'alter table participant add column playing_json text',
  // What rooms from before look like: the list is made of these.
  `update room set view_json = (view_json::jsonb || jsonb_build_object(
    'topic', null, 'language', null, 'sound', 'voice', 'handsList', '[]'::jsonb, 'playing', null, 'session', null))::text`,
  `create table calendar_event (
    id uuid primary key,
    owner_id uuid not null references account (id) on delete cascade,
    name text not null,
    title text not null,
    topic text,
    language text,
    description text,
    schedule_json text not null,
    duration_ms bigint not null,
    opens_before_ms bigint not null,
    closes_after_ms bigint not null,
    sequence integer not null,
    created_at bigint not null,
    updated_at bigint not null,
    cancelled_at bigint,
    filled_until bigint not null,
    unique (owner_id, name)
  )`,
  // The next occurrences of each event, written ahead; and those of the last days.
  `create table calendar_occurrence (
    event_id uuid not null references calendar_event (id) on delete cascade,
    ruled text not null,
    local text not null,
    opens_at bigint not null,
    starts_at bigint not null,
    ends_at bigint not null,
    closes_at bigint not null,
    holder uuid,
    fence bigint not null default 0,
    beat_at bigint not null default 0,
    expires_at bigint not null default 0,
    room_id uuid,
    unhosted_at bigint,
    primary key (event_id, ruled)
  )`,
  'create index calendar_occurrence_starts on calendar_occurrence (starts_at, event_id)',
  'create index calendar_occurrence_closes on calendar_occurrence (closes_at)',
  'create index calendar_occurrence_room on calendar_occurrence (room_id) where room_id is not null',
  'alter table account add column feed_key text unique',
]
