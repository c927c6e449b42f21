import { sql } from 'kysely'
import { apiError } from '../protocol/errors.ts'
import { fillCalendar, purgeCalendar } from './calendar-store.ts'
import type { Caller } from './call.ts'
import { isTurnOver, type Turn } from './cluster-lease.ts'
import { loseMedia, signOut, sweepRoom } from './domain/presence.ts'
import type { RoomState } from './domain/room-state.ts'
import { purgeEvents } from './event-log.ts'
import type { RoomContext } from './room-context.ts'
import { raiseUnhosted } from './unhosted.ts'

export type PresenceClock = {
  close(): Promise<void>
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const recordsMs = 7 * dayMs
// How old what other servers did may be in the counts of this one.
const countMs = 5_000

/**
 * Once in `sweepMs`: stores heartbeats, and does to rooms what time alone does (R19, R20), and what follows from a dead
 * server; of several servers one at a time.
 */
export const startPresenceClock = (context: RoomContext): PresenceClock => {
  const { settings, log, cluster, rooms, store, now } = context
  let running: Promise<void> | null = null
  let lastRunAt = Number.NEGATIVE_INFINITY
  let purgedAt = Number.NEGATIVE_INFINITY
  let countedAt = performance.now()
  let clockOffsetMs = now() - performance.now()

  const run = async () => {
    const elapsed = performance.now()
    await storeHeartbeats(context)
    if (store.kind === 'postgresql' && elapsed - countedAt > countMs) {
      countedAt = elapsed
      await rooms.count()
    }
    const turn = await cluster.lease.take()
    if (!turn) return
    // Nobody's heartbeat was heard while all servers were down or stopped: everybody gets the time to come back.
    const idleMs = Math.min(turn.idleMs, elapsed - lastRunAt)
    // Nor does a clock that was set make anybody's silence longer.
    const offsetMs = now() - performance.now()
    const setByMs = Math.abs(offsetMs - clockOffsetMs)
    if (Math.max(idleMs, setByMs) > Math.max(settings.awayAfterMs / 2, 4 * settings.sweepMs))
      await giveGrace(context, turn)
    clockOffsetMs = offsetMs
    await forEachRoom(await cluster.homelessRooms(), (roomId) => move(context, roomId, turn))
    await forEachRoom(await dueRooms(context), (roomId) => sweep(context, roomId, turn))
    await raiseUnhosted(context, turn)
    if (elapsed - purgedAt < minuteMs) return
    purgedAt = elapsed
    await purge(context)
    await purgeCalendar(store.db, now())
    await fillCalendar(store, now())
  }
  // What one room cannot do must not keep the others from it.
  const forEachRoom = async (roomIds: string[], work: (roomId: string) => Promise<void>) => {
    for (const roomId of roomIds)
      await work(roomId).catch((error: Error) => {
        if (isTurnOver(error)) throw error
        log('error', 'sweep-failed', { message: error.message })
      })
  }
  const timer = setInterval(() => {
    running ??= run()
      .catch((error: Error) => {
        if (!isTurnOver(error)) log('error', 'sweep-failed', { message: error.message })
      })
      .finally(() => {
        lastRunAt = performance.now()
        running = null
      })
  }, settings.sweepMs)
  return {
    close: async () => {
      clearInterval(timer)
      await running
      await storeHeartbeats(context).catch(() => {})
    },
  }
}

/** A revoked session's, or with null an account's, seats are out of all rooms (R1). */
export const signOutOfRooms = async (
  { store, rooms }: RoomContext,
  accountId: string,
  sessionId: string | null,
): Promise<void> => {
  const seats = await store.db
    .selectFrom('participant')
    .select('room_id')
    .distinct()
    .where('account_id', '=', accountId)
    .$if(sessionId !== null, (rows) => rows.where('session_id', '=', sessionId))
    .where('left_at', 'is', null)
    .execute()
  for (const { room_id } of seats)
    await rooms.change(room_id, (state, now) => ({
      next: signOut(
        state,
        (member) => member.accountId === accountId && (sessionId === null || member.sessionId === sessionId),
        now,
      ),
    }))
}

/**
 * Undoes the entry of one whose session or token was revoked while coming in: whoever revoked it may have looked for
 * seats before there was this one.
 */
export const refuseSignedOut = async (context: RoomContext, { account, sessionId }: Caller): Promise<void> => {
  const { db } = context.store
  const signIn = sessionId
    ? await db.selectFrom('session').select('id').where('id', '=', sessionId).executeTakeFirst()
    : await db.selectFrom('bot_token').select('account_id').where('account_id', '=', account.id).executeTakeFirst()
  if (signIn) return
  await signOutOfRooms(context, account.id, sessionId)
  throw apiError('sign-in-needed', 'This sign-in was revoked; sign in again.')
}

const giveGrace = ({ store, now, settings }: RoomContext, turn: Turn): Promise<void> =>
  store.transaction(async (trx) => {
    await turn.guard(trx)
    const at = now()
    await trx
      .updateTable('room')
      .set({ awaited_until: sql`greatest(awaited_until, ${at + settings.lostAfterMs}::bigint)` })
      .where('ended_at', 'is', null)
      .where('awaited_until', 'is not', null)
      .execute()
    await trx
      .updateTable('participant')
      .set({ last_seen_at: at, away_at: sql`case when away_at is null then null else ${at}::bigint end` })
      .where('left_at', 'is', null)
      .execute()
  })

const storeHeartbeats = async ({ store, seen }: RoomContext): Promise<void> => {
  if (seen.size === 0) return
  const beats = [...seen]
  seen.clear()
  const ids = beats.map(([id]) => id)
  const instants = beats.map(([, at]) => at)
  const stored = sql`update participant set last_seen_at = greatest(last_seen_at, beat.at)
    from unnest(${ids}::text[], ${instants}::bigint[]) as beat (id, at)
    where participant.id = beat.id and participant.left_at is null`.execute(store.db)
  await stored.catch((error) => {
    for (const [id, at] of beats) if (!seen.has(id)) seen.set(id, at)
    throw error
  })
}

const dueRooms = async ({ store, now, settings }: RoomContext): Promise<string[]> => {
  const at = now()
  const { rows } = await sql<{ id: string }>`
    select distinct room_id as id from participant where left_at is null and (
      (kind <> 'companion' and away_at is null and last_seen_at <= ${at - settings.awayAfterMs}::bigint)
      or away_at <= ${at - settings.lostAfterMs}::bigint
      or invitation_expires_at <= ${at}::bigint
      or (kind = 'companion' and not is_listed and last_seen_at <= ${at - settings.mediaTokenTtlMs}::bigint))
    union
    select id from room where ended_at is null and
      (awaited_until <= ${at}::bigint or closes_at <= ${at}::bigint or empty_since <= ${at - settings.unjoinedRoomMs}::bigint)`.execute(
    store.db,
  )
  return rows.map((row) => row.id)
}

/** The room's media server is gone: the next who joins takes the room to theirs, and all have to join again. */
const move = async ({ rooms, cluster, log }: RoomContext, roomId: string, turn: Turn): Promise<void> => {
  let isFreed = false
  const free = async (trx: Parameters<Turn['guard']>[0]) => {
    await turn.guard(trx)
    isFreed = await cluster.freeHome(trx, roomId)
  }
  await rooms.change(roomId, (state, now) => ({ next: isFreed ? loseMedia(state, now) : state }), free)
  if (isFreed) log('info', 'room-moves', { roomId })
}

const sweep = async ({ rooms, settings, seen }: RoomContext, roomId: string, turn: Turn): Promise<void> => {
  const limits = {
    awayMs: settings.awayAfterMs,
    holdMs: settings.lostAfterMs,
    emptyRoomMs: settings.unjoinedRoomMs,
    companionMs: settings.mediaTokenTtlMs,
  }
  const rule = (state: RoomState, now: number) => {
    const members = state.members.map((member) => {
      const at = seen.get(member.id)
      return at !== undefined && at > member.lastSeenAt ? { ...member, lastSeenAt: at } : member
    })
    return { next: sweepRoom({ ...state, members }, now, limits) }
  }
  await rooms.change(roomId, rule, turn.guard)
}

/** Events past their retention; logins and sessions a day after their time; rooms seven days after their end, with who was on stage (F22). */
const purge = async ({ store, now, settings }: RoomContext): Promise<void> => {
  const at = now()
  await purgeEvents(store, at - settings.eventRetentionMs)
  await store.db
    .deleteFrom('login')
    .where('created_at', '<', at - 2 * dayMs)
    .execute()
  await store.db
    .deleteFrom('session')
    .where('refresh_expires_at', '<', at - dayMs)
    .execute()
  // Shown again after so long, they would have expired anyway.
  await store.db
    .deleteFrom('session_spent')
    .where('spent_at', '<', at - settings.refreshTtlMs)
    .execute()
  const old = await store.db
    .deleteFrom('room')
    .where('ended_at', '<', at - recordsMs)
    .returning('id')
    .execute()
  if (old.length > 0)
    await store.db
      .deleteFrom('event_topic')
      .where(
        'topic',
        'in',
        old.map(({ id }) => `room:${id}`),
      )
      .execute()
}
