import type { Transaction } from 'kysely'
import { apiError } from '../../protocol/errors.ts'
import type { Call, Caller, Handlers } from '../call.ts'
import { extendSession, hostOccurrence, requireExtension } from '../domain/calendar.ts'
import type { RoomState } from '../domain/room-state.ts'
import { appendEvents, hallway } from '../event-log.ts'
import type { RoomContext } from '../room-context.ts'
import type { Database } from '../tables.ts'
import { tellUnhosted, type UnhostedSession, unhostedEvent, unhostedOf } from '../unhosted.ts'
import { ownerOf } from './calendar.ts'

/** Who hosts a session this time: one at a time, and with one room. */
export const occurrenceHandlers = (context: RoomContext): Pick<Handlers, 'leaseOccurrence' | 'releaseOccurrence'> => ({
  leaseOccurrence: (call) => lease(context, call),
  releaseOccurrence: async ({ params, body, caller }) => {
    await context.store.transaction(async (trx) => {
      const { occurrence } = await lockOccurrence(trx, caller, params)
      if (occurrence.holder !== body.holder) return
      await changeOccurrence(trx, params, { expires_at: 0 })
    })
  },
})

type Which = { eventId: string; ruled: string }

const lease = async (context: RoomContext, { params, body, caller }: Call<'leaseOccurrence'>) => {
  const { store, now, rooms } = context
  const { taken, occurrence, closesAt, news } = await store.transaction(async (trx) => {
    const { occurrence, event } = await lockOccurrence(trx, caller, params)
    const at = now()
    const closesAt = Math.max(occurrence.closes_at, body.closesAt === undefined ? 0 : Date.parse(body.closesAt))
    requireExtension(closesAt, { endsAt: occurrence.ends_at })
    const taken = hostOccurrence(
      {
        isCancelled: event.cancelled_at !== null && occurrence.room_id === null,
        opensAt: occurrence.opens_at,
        closesAt: occurrence.closes_at,
        lease: leaseIn(occurrence),
      },
      body.holder,
      at,
    )
    const roomId = occurrence.room_id ?? (await liveRoom(trx, body.roomId))
    await changeOccurrence(trx, params, {
      holder: taken.holder,
      fence: taken.fence,
      beat_at: taken.beatAt,
      expires_at: taken.expiresAt,
      closes_at: closesAt,
      room_id: roomId,
    })
    const isOpened = occurrence.room_id === null && roomId !== null
    const news = isOpened ? await hostedAtLast(trx, { event, occurrence }, roomId, at) : null
    return { taken, occurrence: { ...occurrence, room_id: roomId }, closesAt, news }
  })
  if (news) tellUnhosted(context, news, 'over')
  if (occurrence.room_id !== null && closesAt > occurrence.closes_at)
    await rooms.change(occurrence.room_id, (state) => ({ next: extendSession(state, closesAt) }))
  return {
    fence: taken.fence,
    until: new Date(taken.expiresAt).toISOString(),
    startsAt: new Date(occurrence.starts_at).toISOString(),
    closesAt: new Date(closesAt).toISOString(),
    roomId: occurrence.room_id,
  }
}

/** What a room's creation does to the occurrence that it is for: it becomes its room, or gives the one that it has. */
export type Claim = {
  session: NonNullable<RoomState['session']>
  /** The room that there is already; `conflict` where the caller is its host no more. */
  claim(trx: Transaction<Database>, roomId: string): Promise<string | null>
  /** After the commit. */
  tell(): void
}

/** Of a room that is to be opened for an occurrence. */
export const claimOf = async (
  context: RoomContext,
  caller: Caller,
  { fence, ...which }: Which & { fence: number },
): Promise<Claim> => {
  const { store, now } = context
  const { occurrence } = await store.transaction((trx) => lockOccurrence(trx, caller, which))
  let news: UnhostedSession | null = null
  return {
    session: {
      eventId: which.eventId,
      ruled: which.ruled,
      startsAt: occurrence.starts_at,
      closesAt: occurrence.closes_at,
    },
    claim: async (trx, roomId) => {
      const { occurrence, event } = await lockOccurrence(trx, caller, which)
      if (occurrence.fence !== fence) throw apiError('conflict', 'Another host has taken over this session.')
      if (occurrence.room_id !== null) return occurrence.room_id
      if (event.cancelled_at !== null) throw apiError('conflict', 'This session was cancelled.')
      if (occurrence.closes_at <= now()) throw apiError('conflict', 'This session is over.')
      await changeOccurrence(trx, which, { room_id: roomId })
      news = await hostedAtLast(trx, { event, occurrence }, roomId, now())
      return null
    },
    tell: () => {
      if (news) tellUnhosted(context, news, 'over')
    },
  }
}

const lockOccurrence = async (trx: Transaction<Database>, caller: Caller, { eventId, ruled }: Which) => {
  const event = await trx.selectFrom('calendar_event').selectAll().where('id', '=', eventId).executeTakeFirst()
  if (!event || event.owner_id !== ownerOf(caller)) throw apiError('not-found', 'You have announced no such session.')
  const occurrence = await trx
    .selectFrom('calendar_occurrence')
    .selectAll()
    .where('event_id', '=', eventId)
    .where('ruled', '=', ruled)
    .forUpdate()
    .executeTakeFirst()
  if (!occurrence) throw apiError('not-found', `"${event.name}" does not happen at ${ruled}.`)
  return { event, occurrence }
}

const changeOccurrence = (
  trx: Transaction<Database>,
  { eventId, ruled }: Which,
  change: Partial<Database['calendar_occurrence']>,
) =>
  trx
    .updateTable('calendar_occurrence')
    .set(change)
    .where('event_id', '=', eventId)
    .where('ruled', '=', ruled)
    .execute()

const leaseIn = (row: Database['calendar_occurrence']) =>
  row.holder === null ? null : { holder: row.holder, fence: row.fence, beatAt: row.beat_at, expiresAt: row.expires_at }

const liveRoom = async (trx: Transaction<Database>, roomId: string | undefined): Promise<string | null> => {
  if (roomId === undefined) return null
  const room = await trx
    .selectFrom('room')
    .select('id')
    .where('id', '=', roomId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  if (!room) throw apiError('not-found', 'No such live room.')
  return room.id
}

/** Null where nobody was told that it had no host. */
const hostedAtLast = async (
  trx: Transaction<Database>,
  { event, occurrence }: Awaited<ReturnType<typeof lockOccurrence>>,
  roomId: string,
  now: number,
): Promise<UnhostedSession | null> => {
  if (occurrence.unhosted_at === null) return null
  const session = unhostedOf({ ...event, ...occurrence })
  await appendEvents(trx, hallway, [unhostedEvent(session, roomId)], now)
  return session
}
