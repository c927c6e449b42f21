import { sql } from 'kysely'
import type { Turn } from './cluster-lease.ts'
import { unhostedAfterMs } from './domain/calendar.ts'
import { appendEvents, type EventDraft, hallway } from './event-log.ts'
import type { RoomContext } from './room-context.ts'
import type { Database } from './tables.ts'

/** A scheduled session that nobody had opened 60 s after its start. */
export type UnhostedSession = {
  ownerId: string
  eventId: string
  name: string
  title: string
  ruled: string
  /** ISO 8601. */
  startsAt: string
}
/** `over`: it has been opened after all. */
export type UnhostedAlert = UnhostedSession & { state: 'began' | 'over'; at: string }

type Columns = Pick<Database['calendar_event'], 'owner_id' | 'name' | 'title'> &
  Pick<Database['calendar_occurrence'], 'event_id' | 'ruled' | 'starts_at'>

/** Whom a row of the hallway's events is for, where it is not for all. */
export const toAccount = (accountId: string): string => `account:${accountId}`

export const unhostedOf = (row: Columns): UnhostedSession => ({
  ownerId: row.owner_id,
  eventId: row.event_id,
  name: row.name,
  title: row.title,
  ruled: row.ruled,
  startsAt: new Date(row.starts_at).toISOString(),
})

/** The hallway's event about it, for its owner and their bots alone. */
export const unhostedEvent = ({ ownerId, ...data }: UnhostedSession, roomId?: string): EventDraft => ({
  type: roomId === undefined ? 'session-unhosted' : 'session-hosted',
  data: roomId === undefined ? data : { ...data, roomId },
  toModerators: false,
  toParticipant: toAccount(ownerId),
})

// What began while no server ran is told when one does, unless it is long ago.
const lookBackMs = 24 * 3_600_000

/** Tells owners once of each session that nobody has opened; one server at a time does it. */
export const raiseUnhosted = async (context: RoomContext, turn: Turn): Promise<void> => {
  const { store, now, feeds } = context
  const at = now()
  const due = await store.db
    .selectFrom('calendar_occurrence as occurrence')
    .innerJoin('calendar_event as event', 'event.id', 'occurrence.event_id')
    .select(['occurrence.event_id', 'occurrence.ruled', 'occurrence.starts_at'])
    .select(['event.owner_id', 'event.name', 'event.title'])
    .where('occurrence.room_id', 'is', null)
    .where('occurrence.unhosted_at', 'is', null)
    .where('occurrence.starts_at', '>', at - lookBackMs)
    .where('occurrence.starts_at', '<=', at - unhostedAfterMs)
    // One that was announced when it had begun has its time from then.
    .where('event.updated_at', '<=', at - unhostedAfterMs)
    .where('event.cancelled_at', 'is', null)
    .limit(100)
    .execute()
  for (const row of due) {
    const session = unhostedOf(row)
    const isNews = await store.transaction(async (trx) => {
      await turn.guard(trx)
      const marked = await trx
        .updateTable('calendar_occurrence')
        .set({ unhosted_at: at })
        .where('event_id', '=', row.event_id)
        .where('ruled', '=', row.ruled)
        .where('room_id', 'is', null)
        .where('unhosted_at', 'is', null)
        .returning(sql`1`.as('one'))
        .executeTakeFirst()
      if (marked) await appendEvents(trx, hallway, [unhostedEvent(session)], at)
      return marked !== undefined
    })
    if (isNews) tellUnhosted(context, session, 'began')
  }
  if (due.length > 0) feeds.notify(hallway)
}

/** To the log, the figures, and whoever the operator named. */
export const tellUnhosted = (
  { log, now, onUnhosted, feeds }: RoomContext,
  session: UnhostedSession,
  state: UnhostedAlert['state'],
): void => {
  feeds.notify(hallway)
  const { eventId, ruled, startsAt } = session
  if (state === 'began') log('warn', 'session-unhosted', { eventId, ruled, startsAt })
  else log('info', 'session-hosted', { eventId, ruled, startsAt })
  onUnhosted({ ...session, state, at: new Date(now()).toISOString() })
}
