import { sql, type Transaction } from 'kysely'
import { noticeChannel } from './cluster-notices.ts'
import type { Db, Store } from './store.ts'
import type { Database } from './tables.ts'

export const hallway = 'hallway'
export const roomTopic = (roomId: string): string => `room:${roomId}`

/** Without `toModerators` and `toParticipant` it is for all who read the topic. */
export type EventDraft = {
  type: string
  data: object
  toModerators: boolean
  toParticipant: string | null
}
export type EventRow = Omit<EventDraft, 'data'> & { seq: number; dataJson: string }

export const openTopic = async (trx: Transaction<Database>, topic: string): Promise<void> => {
  await trx.insertInto('event_topic').values({ topic, seq: 0, floor: 0 }).execute()
}

/**
 * Appends events and gives the last number. The counter's row stays locked until the transaction ends, so numbers of
 * a topic become visible in their order and without gaps: a reader at N never misses N - 1. Other servers are told at
 * the commit that there is something to read.
 */
export const appendEvents = async (
  trx: Transaction<Database>,
  topic: string,
  drafts: readonly EventDraft[],
  now: number,
): Promise<number> => {
  const { seq } = await trx
    .updateTable('event_topic')
    .set({ seq: sql`seq + ${drafts.length}` })
    .where('topic', '=', topic)
    .returning([
      'seq',
      sql`pg_notify(${noticeChannel}, json_build_object('topic', topic, 'seq', seq)::text)`.as('told'),
    ])
    .executeTakeFirstOrThrow()
  const rows = drafts.map((draft, index) => ({
    topic,
    seq: seq - drafts.length + 1 + index,
    type: draft.type,
    data_json: JSON.stringify(draft.data),
    to_moderators: draft.toModerators,
    to_participant: draft.toParticipant,
    created_at: now,
  }))
  for (let at = 0; at < rows.length; at += 5_000)
    await trx
      .insertInto('event')
      .values(rows.slice(at, at + 5_000))
      .execute()
  return seq
}

/** The last number of a topic and the highest that can no longer be read; null for a topic that never was. */
export const topicState = async (db: Db, topic: string): Promise<{ seq: number; floor: number } | null> =>
  (await db.selectFrom('event_topic').select(['seq', 'floor']).where('topic', '=', topic).executeTakeFirst()) ?? null

/** At most 500 rows after `seq`, in order. */
export const readEvents = async (db: Db, topic: string, seq: number): Promise<EventRow[]> => {
  const rows = await db
    .selectFrom('event')
    .select(['seq', 'type', 'data_json', 'to_moderators', 'to_participant'])
    .where('topic', '=', topic)
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(500)
    .execute()
  return rows.map((row) => ({
    seq: row.seq,
    type: row.type,
    dataJson: row.data_json,
    toModerators: row.to_moderators,
    toParticipant: row.to_participant,
  }))
}

/** Topics of `seqs` that have moved on. */
export const movedTopics = async (db: Db, seqs: ReadonlyMap<string, number>): Promise<string[]> => {
  const rows = await db
    .selectFrom('event_topic')
    .select(['topic', 'seq'])
    .where('topic', 'in', [...seqs.keys()])
    .execute()
  return rows.filter((row) => row.seq > seqs.get(row.topic)!).map((row) => row.topic)
}

/** Forgets rows older than `before`; a cursor below what is left is answered by `reset`. */
export const purgeEvents = async (store: Store, before: number): Promise<void> => {
  const old = await store.db
    .selectFrom('event')
    .select(['topic', sql<number>`max(seq)`.as('seq')])
    .where('created_at', '<', before)
    .groupBy('topic')
    .execute()
  // One transaction each: whoever writes holds the counters of a room and the hallway at once.
  for (const { topic, seq } of old)
    await store.transaction(async (trx) => {
      await trx.updateTable('event_topic').set({ floor: seq }).where('topic', '=', topic).execute()
      await trx.deleteFrom('event').where('topic', '=', topic).where('seq', '<=', seq).execute()
    })
}
