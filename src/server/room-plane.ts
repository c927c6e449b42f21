import type { FastifyInstance, FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import type { AccountRouteName } from './accounts.ts'
import { calendarHandlers } from './api/calendar.ts'
import { serveCalendarFeed } from './api/calendar-feed.ts'
import { companionHandlers } from './api/companion.ts'
import { serveEvents } from './api/events.ts'
import { serveLinkPage } from './api/link-page.ts'
import { occurrenceHandlers } from './api/occurrences.ts'
import { programHandlers } from './api/program.ts'
import { roomHandlers } from './api/rooms.ts'
import { seatHandlers } from './api/seats.ts'
import { stageHandlers } from './api/stage.ts'
import { serveWebhooks } from './api/webhooks.ts'
import type { Caller, Handlers } from './call.ts'
import type { Cluster } from './cluster.ts'
import { sendNotice } from './cluster-notices.ts'
import type { Deps } from './deps.ts'
import { listCompanions } from './domain/presence.ts'
import { startEventFeeds } from './events.ts'
import { createLiveRooms } from './live-rooms.ts'
import { createMedia, type Media, type MediaPlace, type MediaRoom } from './media.ts'
import { type PresenceClock, signOutOfRooms, startPresenceClock } from './presence-clock.ts'
import type { RoomContext } from './room-context.ts'

/** Rooms, stage, presence, live events and the media plane, as the server starts them. */
export type RoomPlane = {
  handlers: Omit<Handlers, AccountRouteName>
  counts(): { liveRooms: number; seats: number; subscribers: number }
  media: Media['report']
  /** A session (or, with `sessionId` null, all sessions or the token of an account) was revoked: its seats go (R1). */
  onSessionRevoked(accountId: string, sessionId: string | null): Promise<void>
  /** Ends event streams, before the listener closes. */
  endStreams(): void
  close(): Promise<void>
}

/** `app` is for routes outside the table (event stream, webhooks, link page); `callerOf` authenticates them. */
export const startRoomPlane = async (
  deps: Deps,
  cluster: Cluster,
  app: FastifyInstance,
  callerOf: (request: FastifyRequest) => Promise<Caller>,
): Promise<RoomPlane> => {
  const feeds = startEventFeeds(deps, {
    onRevoked: (accountId, sessionId) => streams.endOf(accountId, sessionId),
    onGap: () => void streams.endRevoked().catch(() => {}),
  })
  const rooms = createLiveRooms(deps, feeds, (roomId, identities) => mediaServer.settle(roomId, identities))
  const mediaServer = createMedia(deps, {
    claimHome: cluster.claimHome,
    isLooking: cluster.isLooking,
    room: (roomId) => mediaRoomOf(deps, cluster, roomId),
    place: (roomId) => mediaPlaceOf(deps, cluster, roomId),
    roomsNamed: (mediaNames) => roomsNamed(deps, cluster, mediaNames),
    namesInUse: () => namesInUse(deps),
    onConnected: async (roomId, identities) => {
      await rooms.change(roomId, (state, now) => ({ next: listCompanions(state, identities, now) }))
    },
  })
  const context: RoomContext = { ...deps, cluster, rooms, feeds, mediaServer, seen: new Map() }
  const streams = serveEvents(app, context, callerOf)
  serveWebhooks(app, context)
  serveLinkPage(app, context)
  serveCalendarFeed(app, context, callerOf)

  let clock: PresenceClock | null = null
  const begin = async () => {
    await cluster.enter(async () => mediaServer.lookNow())
    clock = startPresenceClock(context)
    mediaServer.begin()
  }
  // Nobody waits for it but the end, which must not come in between.
  let beginning = Promise.resolve()
  app.addHook('onListen', () => {
    beginning = begin()
    return beginning
  })

  const close = async () => {
    await beginning.catch(() => {})
    await clock?.close()
    await cluster.close()
    await mediaServer.close()
    await feeds.close()
  }
  await rooms.count().catch(async (error: Error) => {
    await close()
    throw error
  })

  return {
    handlers: {
      ...roomHandlers(context),
      ...seatHandlers(context),
      ...stageHandlers(context),
      ...companionHandlers(context),
      ...programHandlers(context),
      ...calendarHandlers(context),
      ...occurrenceHandlers(context),
    },
    counts: () => ({ ...rooms.counts(), subscribers: streams.count() }),
    media: mediaServer.report,
    onSessionRevoked: async (accountId, sessionId) => {
      streams.endOf(accountId, sessionId)
      await sendNotice(deps.store, { accountId, sessionId })
      await signOutOfRooms(context, accountId, sessionId)
    },
    endStreams: streams.endAll,
    close,
  }
}

/** Who may be connected now; those who are away may not until they join again (R20). */
const mediaRoomOf = async ({ store }: Deps, cluster: Cluster, roomId: string): Promise<MediaRoom | null> => {
  const room = await store.db
    .selectFrom('room')
    .select(['media_name', 'ended_at'])
    .where('id', '=', roomId)
    .executeTakeFirst()
  if (!room) return null
  const members = await store.db
    .selectFrom('participant')
    .select(['id', 'kind', 'role', 'muted_by_moderator as mutedByModerator', 'away_at'])
    .where('room_id', '=', roomId)
    .where('left_at', 'is', null)
    .execute()
  return {
    mediaName: room.media_name,
    serviceUrl: (await cluster.homeOf(roomId))?.serviceUrl ?? null,
    isEnded: room.ended_at !== null,
    members: members.filter((member) => member.away_at === null),
    awayIds: members.filter((member) => member.away_at !== null).map(({ id }) => id),
  }
}

const mediaPlaceOf = async ({ store }: Deps, cluster: Cluster, roomId: string): Promise<MediaPlace | null> => {
  const room = await store.db.selectFrom('room').select('media_name').where('id', '=', roomId).executeTakeFirst()
  if (!room) return null
  return { mediaName: room.media_name, serviceUrl: (await cluster.homeOf(roomId))?.serviceUrl ?? null }
}

/** Not here: ended ones, and those that moved away while the other servers took this one for dead. */
const roomsNamed = async ({ store }: Deps, cluster: Cluster, mediaNames: string[]) => {
  const rows = await store.db
    .selectFrom('room')
    .select(['id', 'media_name', 'ended_at', 'media_server'])
    .where(sql<boolean>`media_name = any(${mediaNames}::text[])`)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    mediaName: row.media_name,
    isLiveHere: row.ended_at === null && cluster.isHere(row.media_server),
  }))
}

const namesInUse = async ({ store }: Deps): Promise<string[]> => {
  const rows = await store.db
    .selectFrom('room')
    .select('media_name')
    .where('ended_at', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('participant')
          .select('participant.id')
          .whereRef('room_id', '=', 'room.id')
          .where('left_at', 'is', null)
          .where('away_at', 'is', null),
      ),
    )
    .execute()
  return rows.map((row) => row.media_name)
}
