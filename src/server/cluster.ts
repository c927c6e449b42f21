import type { Transaction } from 'kysely'
import { createLease, type Lease, soleLease, storeNow } from './cluster-lease.ts'
import { createServers, type Servers, silentMs } from './cluster-servers.ts'
import type { Deps } from './deps.ts'
import type { ServerKey } from './key.ts'
import type { Database } from './tables.ts'

/** Where a room's sound is: `serviceUrl` takes RoomService calls, `clientUrl` the people. */
export type MediaHome = { serviceUrl: string; clientUrl: string }

/** This server among others on the same database, or alone on the embedded store. */
export type Cluster = {
  /** What one server does for all: rooms in time, and those of dead servers. */
  lease: Lease
  /** Of one room; null while it has none, or its media server is gone. */
  homeOf(roomId: string): Promise<MediaHome | null>
  /** The same; a room that has none comes to this server. */
  claimHome(roomId: string): Promise<MediaHome | null>
  /** Whether this server looks at all that happens at its media server; of one they share, one server does. */
  isLooking(): boolean
  /** Whether a room with that media server has its sound at this server, or just anywhere. */
  isHere(mediaServer: string | null): boolean
  /** Live rooms whose media server is gone; silent servers count as gone. */
  homelessRooms(): Promise<string[]>
  /** Frees such a room for the next who joins; false when another did. Call it within the room's lock. */
  freeHome(trx: Transaction<Database>, roomId: string): Promise<boolean>
  /** Begins to be one of the servers; needs a listener. `onDisowned`: rooms here are others' now. */
  enter(onDisowned: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

const leaseMs = 3_000

/** Where clients reach the media plane: its own address, or the server's. */
export const clientUrlOf = ({ url }: Deps['media'], publicUrl: string): string =>
  (url ?? publicUrl).replace(/^http/, 'ws')

/** Error code `wrong-key`: the other servers' media plane is another one, or has other keys. */
export const joinCluster = async (
  deps: Pick<Deps, 'store' | 'log' | 'media' | 'randomBytes' | 'ownUrl' | 'publicUrl' | 'settings'>,
  key: ServerKey,
): Promise<Cluster> => {
  const { store, media, ownUrl, publicUrl, settings } = deps
  const own = (): MediaHome => ({
    serviceUrl: media.url ?? ownUrl(),
    clientUrl: clientUrlOf(media, publicUrl()),
  })
  if (store.kind === 'pglite') return alone(own)
  const isEmbedded = media.url === undefined
  const mediaCheck = key.hash('media', `${isEmbedded ? 'embedded' : 'livekit'}\0${media.apiKey}\0${media.apiSecret}`)
  await checkPlane(store, mediaCheck)
  let onDisowned = async () => {}
  const servers = createServers(deps, {
    mediaUrl: () => own().clientUrl,
    mediaCheck,
    isSoleAtItsUrl: isEmbedded,
    onStruckOff: () => onDisowned(),
  })
  const lease = createLease(store, 'clock', servers.id, Math.max(leaseMs, 4 * settings.sweepMs))
  const homes = isEmbedded ? embeddedHomes(store, servers, own) : sharedHomes(own, lease.isHeld)
  return {
    lease,
    ...homes,
    homelessRooms: async () => {
      await servers.strikeOffSilent()
      return homes.homelessRooms()
    },
    enter: async (listener) => {
      onDisowned = listener
      await servers.enter()
    },
    close: async () => {
      await lease.release().catch(() => {})
      await servers.close()
    },
  }
}

type Homes = Pick<Cluster, 'homeOf' | 'claimHome' | 'isLooking' | 'isHere' | 'homelessRooms' | 'freeHome'>

/** One LiveKit server or cluster for all rooms, which each server reaches by its own URL. */
const sharedHomes = (own: () => MediaHome, isLooking: () => boolean): Homes => ({
  homeOf: async () => own(),
  claimHome: async () => own(),
  isLooking,
  isHere: () => true,
  homelessRooms: async () => [],
  freeHome: async () => false,
})

const alone = (own: () => MediaHome): Cluster => ({
  ...sharedHomes(own, soleLease.isHeld),
  lease: soleLease,
  enter: async () => {},
  close: async () => {},
})

/** Each server has a media server of its own, and each room lives on one of them. */
const embeddedHomes = ({ db }: Deps['store'], servers: Servers, own: () => MediaHome): Homes => {
  const homeOf = async (roomId: string): Promise<MediaHome | null> => {
    const row = await db
      .selectFrom('room')
      .innerJoin('server', 'server.id', 'room.media_server')
      .select(['server.id', 'server.url', 'server.media_url'])
      .where('room.id', '=', roomId)
      .executeTakeFirst()
    if (!row) return null
    return row.id === servers.id() ? own() : { serviceUrl: row.url, clientUrl: row.media_url }
  }
  return {
    homeOf,
    claimHome: async (roomId) => {
      const home = await homeOf(roomId)
      if (home) return home
      // A room whose media server is gone is freed first, so that nobody stays behind there.
      await db
        .updateTable('room')
        .set({ media_server: servers.id() })
        .where('id', '=', roomId)
        .where('media_server', 'is', null)
        .where('ended_at', 'is', null)
        .execute()
      return homeOf(roomId)
    },
    isLooking: () => true,
    isHere: (mediaServer) => mediaServer === null || mediaServer === servers.id(),
    homelessRooms: async () => {
      const rows = await db
        .selectFrom('room')
        .leftJoin('server', 'server.id', 'room.media_server')
        .select('room.id')
        .where('ended_at', 'is', null)
        .where('media_server', 'is not', null)
        .where('server.id', 'is', null)
        .execute()
      return rows.map(({ id }) => id)
    },
    freeHome: async (trx, roomId) => {
      const freed = await trx
        .updateTable('room')
        .set({ media_server: null })
        .where('id', '=', roomId)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('server').select('id').whereRef('server.id', '=', 'room.media_server'))),
        )
        .where('media_server', 'is not', null)
        .returning('id')
        .executeTakeFirst()
      return freed !== undefined
    },
  }
}

const checkPlane = async ({ db }: Deps['store'], mediaCheck: string): Promise<void> => {
  const other = await db
    .selectFrom('server')
    .select('url')
    .where('media_check', '!=', mediaCheck)
    .where('beat_at', '>', (await storeNow(db)) - silentMs)
    .executeTakeFirst()
  if (!other) return
  const message = `The server at ${other.url} on this database has another media plane or other keys for it: give all of them the same LIVEKIT_API_KEY and LIVEKIT_API_SECRET, and all or none a LIVEKIT_URL.`
  throw Object.assign(new Error(message), { code: 'wrong-key' })
}
