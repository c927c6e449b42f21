import { type ParticipantInfo, RoomServiceClient } from 'livekit-server-sdk'
import { apiError } from '../protocol/errors.ts'
import type { MediaHome } from './cluster.ts'
import type { Deps } from './deps.ts'
import type { Member } from './domain/room-state.ts'
import { permissionOf } from './media-tokens.ts'

/** What the media server has to hold of one room. */
export type MediaRoom = {
  mediaName: string
  /** Of the media server it lives on; null while it has none. */
  serviceUrl: string | null
  isEnded: boolean
  /** Those who may be connected now. */
  members: Pick<Member, 'id' | 'kind' | 'role' | 'mutedByModerator'>[]
  /** Those who may come back under the same identity. */
  awayIds: string[]
}

export type Media = {
  /** Makes the room at its media server and returns the signal URL for clients; throws `media-unavailable`. */
  openRoom(roomId: string, mediaName: string): Promise<string>
  /**
   * Makes the media server agree with the roster as it is stored then: rights, removals, the end of a room. Tried
   * again every second, after a minute every 30 seconds, until it is done.
   */
  settle(roomId: string): void
  /**
   * The same for one who is connected to our own media server but may not be, without looking at all others. `forGood` also voids the token
   * where the media server can; another LiveKit server may ignore that, and tells of the next join (R3).
   */
  evict(mediaName: string, identity: string, forGood: boolean): Promise<void>
  /** Ends those rooms of our own media server that `which` names. */
  dropRooms(which: (mediaNames: string[]) => Promise<string[]>): Promise<void>
  close(): Promise<void>
}

/** LiveKit's RoomService, of the embedded media server or of any other: the control plane knows no difference. */
export const createMedia = (
  deps: Pick<Deps, 'media' | 'log' | 'now' | 'ownUrl'>,
  claimHome: (roomId: string) => Promise<MediaHome | null>,
  wanted: (roomId: string) => Promise<MediaRoom | null>,
  /** Which of the connected identities are companions, so that the roster can follow. */
  onConnected: (roomId: string, identities: ReadonlySet<string>) => Promise<void>,
): Media => {
  const { media, log } = deps
  const clients = new Map<string, RoomServiceClient>()
  const service = (url = media.url ?? deps.ownUrl()) => {
    const known = clients.get(url)
    if (known) return known
    const client = new RoomServiceClient(url.replace(/^ws/, 'http'), media.apiKey, media.apiSecret, {
      requestTimeout: 5,
      failover: false,
    })
    clients.set(url, client)
    return client
  }
  const opened = new Map<string, Promise<void>>()
  const open = async (serviceUrl: string, mediaName: string) => {
    try {
      await service(serviceUrl).createRoom({ name: mediaName, emptyTimeout: 600, departureTimeout: 120 })
    } catch (error) {
      log('warn', 'media-unavailable', { message: (error as Error).message })
      throw unavailable()
    }
  }
  const work = new Map<string, { isDirty: boolean; done: Promise<void> }>()
  const retries = new Map<string, { failures: number; timer: NodeJS.Timeout }>()
  let isClosed = false

  const settle = (roomId: string) => {
    if (isClosed) return
    const running = work.get(roomId)
    if (running) {
      running.isDirty = true
      return
    }
    const entry = { isDirty: false, done: Promise.resolve() }
    work.set(roomId, entry)
    entry.done = settleOnce(roomId)
      .then(() => void retries.delete(roomId))
      .catch((error: Error) => {
        log('warn', 'media-not-settled', { message: error.message })
        const failures = (retries.get(roomId)?.failures ?? 0) + 1
        retries.set(roomId, { failures, timer: setTimeout(() => settle(roomId), retryMs(failures)) })
      })
      .finally(() => {
        work.delete(roomId)
        if (entry.isDirty) settle(roomId)
      })
  }

  const settleOnce = async (roomId: string) => {
    clearTimeout(retries.get(roomId)?.timer)
    const before = await wanted(roomId)
    if (!before) return
    const { serviceUrl, mediaName } = before
    const connected = serviceUrl ? await orNone(service(serviceUrl).listParticipants(mediaName), []) : []
    // Read after the list: somebody who came back meanwhile is not taken for a ghost.
    const room = await wanted(roomId)
    if (!room) return
    if (room.serviceUrl !== serviceUrl) throw new Error('The room has moved to another media server.')
    if (room.isEnded) return void (serviceUrl && (await orNone(service(serviceUrl).deleteRoom(mediaName), undefined)))
    const members = new Map(room.members.map((member) => [member.id, member]))
    await Promise.all(connected.map((participant) => agree(room, participant, members.get(participant.identity))))
    if (room.members.some((member) => member.kind === 'companion'))
      await onConnected(roomId, new Set(connected.map((participant) => participant.identity)))
  }

  const agree = async (
    room: MediaRoom,
    { identity, permission }: ParticipantInfo,
    member?: MediaRoom['members'][0],
  ) => {
    const at = service(room.serviceUrl!)
    if (!member) return evictFrom(at, room.mediaName, identity, !room.awayIds.includes(identity))
    const wantedPermission = permissionOf(member)
    if (permission && permission.canPublish === wantedPermission.canPublish) return
    await orNone(at.updateParticipant(room.mediaName, identity, { permission: wantedPermission }), undefined)
  }

  const evictFrom = async (at: RoomServiceClient, mediaName: string, identity: string, forGood: boolean) => {
    log('info', 'media-participant-removed', { identity })
    // An identity that left never returns, so a token that was made at this very moment is void, too.
    const options = forGood ? { revokeTokenTs: BigInt(Math.ceil(deps.now() / 1_000) + 60) } : undefined
    await orNone(at.removeParticipant(mediaName, identity, options), undefined)
  }

  return {
    openRoom: async (roomId, mediaName) => {
      const home = await claimHome(roomId)
      if (!home) throw unavailable()
      const key = `${home.serviceUrl} ${mediaName}`
      const known = opened.get(key)
      const opening = known ?? open(home.serviceUrl, mediaName)
      if (!known) {
        opened.set(key, opening)
        const forget = () => void opened.delete(key)
        opening.then(() => setTimeout(forget, openForMs).unref(), forget)
      }
      await opening
      return home.clientUrl
    },
    settle,
    evict: (mediaName, identity, forGood) => evictFrom(service(), mediaName, identity, forGood),
    dropRooms: async (which) => {
      const here = (await service().listRooms()).map(({ name }) => name)
      for (const name of here.length > 0 ? await which(here) : []) await orNone(service().deleteRoom(name), undefined)
    },
    close: async () => {
      isClosed = true
      for (const { timer } of retries.values()) clearTimeout(timer)
      await Promise.all([...work.values()].map((entry) => entry.done))
    },
  }
}

// A crowd that joins at once asks the media server once.
const openForMs = 1_000
const unavailable = () => apiError('media-unavailable', 'The media server cannot be reached; try again in a moment.')

const retryMs = (failures: number) => (failures <= 60 ? 1_000 : 30_000)

/** What is gone already needs nothing done to it. */
const orNone = async <T>(call: Promise<T>, none: T): Promise<T> => {
  try {
    return await call
  } catch (error) {
    const { status, code } = error as { status?: number; code?: string }
    if (status === 404 || code === 'not_found') return none
    throw error
  }
}
