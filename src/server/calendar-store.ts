import type { Selectable, Transaction } from 'kysely'
import type { RegisteredSession, RegisterSession } from '../protocol/calendar.ts'
import { occurrencesAhead, type Timing } from './domain/calendar.ts'
import type { Db, Store } from './store.ts'
import type { Database } from './tables.ts'

type EventRow = Selectable<Database['calendar_event']>

/** What a session is about, and when it happens; without its identity. */
type Announcement = Timing & Pick<RegisteredSession, 'title' | 'topic' | 'language' | 'description'>

export const announcementOf = (body: RegisterSession): Announcement => ({
  title: body.title,
  topic: body.topic ?? null,
  language: body.language ?? null,
  description: body.description ?? null,
  schedule: body.schedule,
  durationMs: body.durationMs,
  opensBeforeMs: body.opensBeforeMs ?? 0,
  closesAfterMs: body.closesAfterMs ?? 0,
})

export const announcementIn = (row: EventRow): Announcement => ({
  title: row.title,
  topic: row.topic,
  language: row.language,
  description: row.description,
  schedule: JSON.parse(row.schedule_json),
  durationMs: row.duration_ms,
  opensBeforeMs: row.opens_before_ms,
  closesAfterMs: row.closes_after_ms,
})

export const columnsOf = (announcement: Announcement) => ({
  title: announcement.title,
  topic: announcement.topic,
  language: announcement.language,
  description: announcement.description,
  schedule_json: JSON.stringify(announcement.schedule),
  duration_ms: announcement.durationMs,
  opens_before_ms: announcement.opensBeforeMs,
  closes_after_ms: announcement.closesAfterMs,
})

export const sessionView = (row: EventRow, host: RegisteredSession['host']): RegisteredSession => ({
  id: row.id,
  name: row.name,
  ...announcementIn(row),
  host,
  sequence: row.sequence,
  isCancelled: row.cancelled_at !== null,
  updatedAt: new Date(row.updated_at).toISOString(),
})

/** Writes the occurrences anew, from those on that may go on now; what was hosted stays. */
export const writeOccurrences = async (
  trx: Transaction<Database>,
  eventId: string,
  timing: Timing,
  now: number,
): Promise<void> => {
  await trx.deleteFrom('calendar_occurrence').where('event_id', '=', eventId).where('fence', '=', 0).execute()
  await addOccurrences(trx, eventId, timing, now - timing.durationMs - timing.closesAfterMs)
}

/** Writes further occurrences where those that are written come to an end within a month. */
export const fillCalendar = async (store: Store, now: number): Promise<void> => {
  const due = await store.db
    .selectFrom('calendar_event')
    .selectAll()
    .where('cancelled_at', 'is', null)
    .where('filled_until', '<', now + monthMs)
    .where(({ selectFrom }) =>
      selectFrom('calendar_occurrence')
        .select(({ eb, fn }) => eb(fn.countAll<number>(), '<', enough).as('is_few'))
        .whereRef('event_id', '=', 'calendar_event.id')
        .where('starts_at', '>', now),
    )
    .execute()
  for (const row of due)
    await store.transaction((trx) => addOccurrences(trx, row.id, announcementIn(row), row.filled_until))
}

const monthMs = 31 * 86_400_000
const enough = 100

const addOccurrences = async (trx: Transaction<Database>, eventId: string, timing: Timing, fromMs: number) => {
  const { occurrences, filledUntil } = occurrencesAhead(timing, fromMs)
  const rows = occurrences.map((each) => ({
    event_id: eventId,
    ruled: each.ruled,
    local: each.local,
    opens_at: each.opensAt,
    starts_at: each.startsAt,
    ends_at: each.endsAt,
    closes_at: each.closesAt,
    fence: 0,
    beat_at: 0,
    expires_at: 0,
  }))
  if (rows.length > 0)
    await trx
      .insertInto('calendar_occurrence')
      .values(rows)
      // One that somebody hosts keeps its times.
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  await trx.updateTable('calendar_event').set({ filled_until: filledUntil }).where('id', '=', eventId).execute()
}

/** Forgets what is long over; calendar programs have had three months to see that something was cancelled. */
export const purgeCalendar = async (db: Db, now: number): Promise<void> => {
  await db
    .deleteFrom('calendar_occurrence')
    .where('closes_at', '<', now - 7 * dayMs)
    .execute()
  await db
    .deleteFrom('calendar_event')
    .where('cancelled_at', '<', now - 90 * dayMs)
    .execute()
}

const dayMs = 86_400_000
