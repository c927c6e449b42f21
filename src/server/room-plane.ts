import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccountRouteName } from './accounts.ts'
import { companionHandlers } from './api/companion.ts'
import { serveEvents } from './api/events.ts'
import { serveLinkPage } from './api/link-page.ts'
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
import { createMedia, type MediaRoom } from './media.ts'
import { type PresenceClock, signOutOfRooms, startPresenceClock } from './presence-clock.ts'
import type { RoomContext } from './room-context.ts'

/** Rooms, stage, presence, live events and the media plane, as the server starts them. */
export type RoomPlane = {
  handlers: Omit<Handlers, AccountRouteName>
  counts(): { liveRooms: number; seats: number; subscribers: number }
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
  const rooms = createLiveRooms(deps, feeds, (roomId) => mediaServer.settle(roomId))
  const mediaServer = createMedia(
    deps,
    cluster.claimHome,
    (roomId) => mediaRoomOf(deps, cluster, roomId),
    async (roomId, identities) => {
      await rooms.change(roomId, (state, now) => ({ next: listCompanions(state, identities, now) }))
    },
  )
  const context: RoomContext = { ...deps, cluster, rooms, feeds, mediaServer, seen: new Map() }
  const streams = serveEvents(app, context, callerOf)
  serveWebhooks(app, context)
  serveLinkPage(app, context)
  await rooms.count()

  let clock: PresenceClock | null = null
  app.addHook('onListen', async () => {
    await cluster.enter(() => mediaServer.dropRooms((mediaNames) => roomsElsewhere(context, mediaNames)))
    clock = startPresenceClock(context)
    // What could not be told to the media server before this server ended.
    for (const { id } of await unsettledRooms(deps)) mediaServer.settle(id)
  })

  return {
    handlers: {
      ...roomHandlers(context),
      ...seatHandlers(context),
      ...stageHandlers(context),
      ...companionHandlers(context),
    },
    counts: () => ({ ...rooms.counts(), subscribers: streams.count() }),
    onSessionRevoked: async (accountId, sessionId) => {
      streams.endOf(accountId, sessionId)
      await sendNotice(deps.store, { accountId, sessionId })
      await signOutOfRooms(context, accountId, sessionId)
    },
    endStreams: streams.endAll,
    close: async () => {
      await clock?.close()
      await cluster.close()
      await mediaServer.close()
      await feeds.close()
    },
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

/** Of rooms at our media server, those that moved away while the others took this server for dead. */
const roomsElsewhere = async ({ store, cluster }: RoomContext, mediaNames: string[]): Promise<string[]> => {
  const rows = await store.db
    .selectFrom('room')
    .select(['media_name', 'media_server'])
    .where('media_name', 'in', mediaNames)
    .execute()
  return rows
    .filter((row) => row.media_server === null || !cluster.isHere(row.media_server))
    .map((row) => row.media_name)
}

const unsettledRooms = ({ store, now }: Deps) =>
  store.db
    .selectFrom('room')
    .select('id')
    .where(({ eb, or }) => or([eb('ended_at', 'is', null), eb('ended_at', '>', now() - 600_000)]))
    .execute()
