import { sql, type Transaction } from 'kysely'
import type { OccurrenceView } from '../../protocol/calendar.ts'
import { apiError } from '../../protocol/errors.ts'
import { announcementIn, announcementOf, columnsOf, sessionView, writeOccurrences } from '../calendar-store.ts'
import type { Call, Caller, Handlers } from '../call.ts'
import { requireSchedule } from '../domain/calendar.ts'
import { randomId } from '../domain/random.ts'
import { linkOf } from '../domain/room-state.ts'
import type { RoomContext } from '../room-context.ts'
import type { Database } from '../tables.ts'

type CalendarRoutes = 'listCalendar' | 'registerSession' | 'cancelSession' | 'calendarFeed' | 'renewCalendarFeed'

/** Sessions that are announced: by a person, or by a bot for its owner. */
export const calendarHandlers = (context: RoomContext): Pick<Handlers, CalendarRoutes> => ({
  listCalendar: (call) => listCalendar(context, call),
  registerSession: (call) => register(context, call),
  cancelSession: (call) => cancel(context, call),
  calendarFeed: ({ caller }) => feedOf(context, caller.account.id, false),
  renewCalendarFeed: ({ caller }) => feedOf(context, caller.account.id, true),
})

/** A bot's sessions are its owner's. */
export const ownerOf = ({ account, ownerId }: Caller): string => ownerId ?? account.id

const register = async (context: RoomContext, { params, body, caller }: Call<'registerSession'>) => {
  const { store, now, randomBytes, settings } = context
  requireName(params.name)
  requireSchedule(body.schedule)
  const ownerId = ownerOf(caller)
  const wanted = announcementOf(body)
  return store.transaction(async (trx) => {
    // The owner is locked, so that two that announce at once follow each other.
    const owner = await trx
      .selectFrom('account')
      .select(['name', 'handle'])
      .where('id', '=', ownerId)
      .forUpdate()
      .executeTakeFirstOrThrow()
    const known = await ownEvent(trx, ownerId, params.name)
    const at = now()
    if (known && known.cancelled_at === null && isSame(announcementIn(known), wanted)) return sessionView(known, owner)
    if (!known) await requireRoom(trx, ownerId, settings.sessionsAnnouncedPerAccount)
    const change = { ...columnsOf(wanted), updated_at: at, cancelled_at: null }
    const row = known
      ? await trx
          .updateTable('calendar_event')
          .set({ ...change, sequence: known.sequence + 1 })
          .where('id', '=', known.id)
          .returningAll()
          .executeTakeFirstOrThrow()
      : await trx
          .insertInto('calendar_event')
          .values({
            ...change,
            id: randomId(randomBytes),
            owner_id: ownerId,
            name: params.name,
            sequence: 0,
            created_at: at,
            filled_until: 0,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
    await writeOccurrences(trx, row.id, wanted, at)
    return sessionView(row, owner)
  })
}

const isSame = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b)

const requireName = (name: string): void => {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/.test(name))
    throw apiError('bad-request', 'A session is named by up to 64 letters, digits and hyphens.', { field: 'name' })
}

const requireRoom = async (trx: Transaction<Database>, ownerId: string, most: number): Promise<void> => {
  const { count } = await trx
    .selectFrom('calendar_event')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('owner_id', '=', ownerId)
    .executeTakeFirstOrThrow()
  if (count >= most) throw apiError('not-allowed', `You have announced ${count} sessions, the most there may be.`)
}

const ownEvent = (trx: Transaction<Database>, ownerId: string, name: string) =>
  trx
    .selectFrom('calendar_event')
    .selectAll()
    .where('owner_id', '=', ownerId)
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst()

/** A session that goes on now is not ended by it. */
const cancel = async ({ store, now }: RoomContext, { params, caller }: Call<'cancelSession'>) =>
  store.transaction(async (trx) => {
    const event = await ownEvent(trx, ownerOf(caller), params.name)
    if (!event) throw apiError('not-found', `You have announced no session "${params.name}".`)
    if (event.cancelled_at !== null) return
    const at = now()
    await trx
      .updateTable('calendar_event')
      .set({ cancelled_at: at, updated_at: at, sequence: event.sequence + 1 })
      .where('id', '=', event.id)
      .execute()
    await trx.deleteFrom('calendar_occurrence').where('event_id', '=', event.id).where('fence', '=', 0).execute()
  })

const listCalendar = async ({ store, now, publicUrl }: RoomContext, { query }: Call<'listCalendar'>) => {
  const limit = query.limit ?? 50
  const from = query.from === undefined ? now() : Date.parse(query.from)
  const after = query.cursor === undefined ? null : placeOf(query.cursor)
  const rows = await store.db
    .selectFrom('calendar_occurrence as occurrence')
    .innerJoin('calendar_event as event', 'event.id', 'occurrence.event_id')
    .innerJoin('account as owner', 'owner.id', 'event.owner_id')
    .leftJoin('room', 'room.id', 'occurrence.room_id')
    .selectAll('occurrence')
    .select(['event.name', 'event.title', 'event.topic', 'event.language', 'event.description', 'event.schedule_json'])
    .select(['owner.name as host_name', 'owner.handle as host_handle', 'room.id as known_room', 'room.ended_at'])
    .where('event.cancelled_at', 'is', null)
    .where('occurrence.closes_at', '>', from)
    .$if(after !== null, (some) =>
      some.where(({ eb, refTuple, tuple }) =>
        eb(
          refTuple('occurrence.starts_at', 'occurrence.event_id', 'occurrence.ruled'),
          '>',
          tuple(after!.startsAt, after!.eventId, after!.ruled),
        ),
      ),
    )
    .orderBy('occurrence.starts_at')
    .orderBy('occurrence.event_id')
    .orderBy('occurrence.ruled')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const events = page.map(
    (row): OccurrenceView => ({
      eventId: row.event_id,
      name: row.name,
      title: row.title,
      topic: row.topic,
      language: row.language,
      description: row.description,
      host: { name: row.host_name, handle: row.host_handle },
      local: row.local,
      zone: (JSON.parse(row.schedule_json) as { zone: string }).zone,
      ruled: row.ruled,
      opensAt: instant(row.opens_at),
      startsAt: instant(row.starts_at),
      endsAt: instant(row.ends_at),
      closesAt: instant(row.closes_at),
      room:
        row.known_room === null
          ? null
          : { id: row.known_room, link: linkOf(publicUrl(), row.known_room), isLive: row.ended_at === null },
    }),
  )
  const nextCursor = rows.length > limit && last ? `${last.starts_at}.${last.event_id}.${last.ruled}` : null
  return { events, nextCursor }
}

const placeOf = (cursor: string) => {
  const match = /^(\d{1,15})\.([0-9a-f-]{36})\.([0-9T:-]{1,40})$/.exec(cursor)
  if (!match) throw apiError('bad-request', 'Not a cursor of this list.', { field: 'cursor' })
  return { startsAt: Number(match[1]), eventId: match[2]!, ruled: match[3]! }
}

const instant = (ms: number): string => new Date(ms).toISOString()

const feedOf = async ({ store, randomBytes, publicUrl }: RoomContext, accountId: string, isNew: boolean) => {
  const key = randomBytes(18).toString('base64url')
  const { feed_key } = await store.db
    .updateTable('account')
    .set({ feed_key: isNew ? key : sql`coalesce(feed_key, ${key})` })
    .where('id', '=', accountId)
    .returning('feed_key')
    .executeTakeFirstOrThrow()
  return { url: `${publicUrl()}/calendar.ics?key=${feed_key}` }
}
