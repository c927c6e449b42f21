import type { ParticipantInfo } from 'livekit-server-sdk'
import { apiError } from '../protocol/errors.ts'
import type { MediaHome } from './cluster.ts'
import type { Deps } from './deps.ts'
import type { Member } from './domain/room-state.ts'
import { createMediaService, type MediaProblem, type MediaService } from './media-service.ts'
import { permissionOf } from './media-tokens.ts'
import { createMediaWatch, type MediaWatchMode } from './media-watch.ts'

/** Where a room is at the media plane; no `serviceUrl` while it has no media server. */
export type MediaPlace = { mediaName: string; serviceUrl: string | null }
/** What the media server has to hold of one room. */
export type MediaRoom = MediaPlace & {
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
   * Makes the media server agree with the roster as it is stored then: rights, removals, the end of a room. Of the
   * `identities` alone, or, once a second at most, of all who are connected. Tried again until it is done.
   */
  settle(roomId: string, identities?: string[]): void
  /**
   * The same for one who is connected to our own media server but may not be. `forGood` also voids the token where the
   * media server can; another LiveKit server ignores that, so whoever comes again is evicted again (R3).
   */
  evict(mediaName: string, identity: string, forGood: boolean): Promise<void>
  /** Looks at all rooms of our own media server soon: ended ones and others' go, live ones are settled. */
  lookNow(): void
  /** A webhook came, signed with our key. */
  heard(): void
  report(): { watch: MediaWatchMode; problem: MediaProblem | null }
  /** Needs a listener. */
  begin(): void
  close(): Promise<void>
}

/** What the store knows. */
type Facts = {
  claimHome(roomId: string): Promise<MediaHome | null>
  room(roomId: string): Promise<MediaRoom | null>
  place(roomId: string): Promise<MediaPlace | null>
  /** False while another server looks at the media server that both use. */
  isLooking(): boolean
  /** Which of those names are rooms of ours, and which of them live here; the others are left alone. */
  roomsNamed(mediaNames: string[]): Promise<{ id: string; mediaName: string; isLiveHere: boolean }[]>
  /** The names of live rooms that somebody is in. */
  namesInUse(): Promise<string[]>
  /** Which of the connected identities are companions, so that the roster can follow. */
  onConnected(roomId: string, identities: ReadonlySet<string>): Promise<void>
}

/** What is left to do about one room. `list`: look at all who are connected; `news`: only if that has changed. */
type Work = {
  identities: Set<string>
  list: 'all' | 'news' | null
  listedAt: number
  seen: string
  running: Promise<void> | null
  timer?: NodeJS.Timeout
}

/** The media plane as the rules see it: LiveKit's RoomService, of the embedded media server or of any other. */
export const createMedia = (deps: Pick<Deps, 'media' | 'log' | 'now' | 'ownUrl'>, facts: Facts): Media => {
  const { media, log } = deps
  const services = new Map<string, MediaService>()
  const ownUrl = () => media.url ?? deps.ownUrl()
  const service = (url = ownUrl()) => {
    const found = services.get(url) ?? createMediaService({ ...media, url }, log)
    services.set(url, found)
    return found
  }
  const opened = new Map<string, Promise<void>>()
  const works = new Map<string, Work>()
  const unsettled = new Set<string>()
  let isClosed = false
  let fullAt = Number.NEGATIVE_INFINITY

  const settle = (roomId: string, identities?: string[], list: 'all' | 'news' = 'all'): Promise<void> => {
    if (isClosed) return Promise.resolve()
    const work = works.get(roomId) ?? newWork()
    works.set(roomId, work)
    for (const identity of identities ?? []) work.identities.add(identity)
    if (!identities) work.list = work.list === 'all' ? 'all' : list
    work.running ??= run(roomId, work).finally(() => {
      work.running = null
      const waitMs = work.listedAt + listEveryMs - performance.now()
      if (work.identities.size > 0) void settle(roomId, [])
      else if (work.list && !unsettled.has(roomId) && !isClosed) {
        clearTimeout(work.timer)
        work.timer = setTimeout(() => void settle(roomId, []), Math.max(0, waitMs))
      }
    })
    return work.running
  }

  const run = async (roomId: string, work: Work) => {
    const identities = [...work.identities]
    const isDue = performance.now() - work.listedAt >= listEveryMs - jitterMs
    const list = isDue && work.list && (identities.length > 0 ? 'all' : work.list)
    work.identities.clear()
    if (list) work.list = null
    try {
      const isDone = list ? await settleAll(roomId, work, list) : await settleSome(roomId, identities)
      if (isDone) works.delete(roomId)
      unsettled.delete(roomId)
    } catch (error) {
      if (!unsettled.has(roomId)) log('warn', 'media-not-settled', { message: (error as Error).message })
      // What was to be done is done when all are looked at.
      unsettled.add(roomId)
      work.list = 'all'
    }
  }

  /** True: the room has ended, and is gone at the media server. */
  const settleSome = async (roomId: string, identities: string[]): Promise<boolean> => {
    const room = await facts.room(roomId)
    if (!room?.serviceUrl) return room === null
    if (room.isEnded) return endRoom(room)
    await Promise.all(identities.map((identity) => agree(room, identity)))
    return false
  }

  const settleAll = async (roomId: string, work: Work, list: 'all' | 'news'): Promise<boolean> => {
    work.listedAt = performance.now()
    const place = await facts.place(roomId)
    if (!place?.serviceUrl) return place === null
    const connected = await service(place.serviceUrl).participants(place.mediaName)
    const seen = fingerprint(connected)
    const isNews = seen !== work.seen
    if (isNews) watch.sawNews()
    else if (list === 'news') return false
    // Read after the list: somebody who came back meanwhile is not taken for a ghost.
    const room = await facts.room(roomId)
    if (!room) return true
    if (room.isEnded) return endRoom(room)
    if (room.serviceUrl !== place.serviceUrl) throw new Error('The room has moved to another media server.')
    await Promise.all(connected.map((participant) => agree(room, participant.identity, participant)))
    work.seen = seen
    if (room.members.some((member) => member.kind === 'companion'))
      await facts.onConnected(roomId, new Set(connected.map(({ identity }) => identity)))
    return false
  }

  const endRoom = async ({ serviceUrl, mediaName }: MediaRoom): Promise<boolean> => {
    if (serviceUrl) await service(serviceUrl).deleteRoom(mediaName)
    return true
  }

  const agree = async (room: MediaRoom, identity: string, connected?: ParticipantInfo) => {
    const at = service(room.serviceUrl!)
    const member = room.members.find(({ id }) => id === identity)
    if (!member) return evictFrom(at, room.mediaName, identity, !room.awayIds.includes(identity))
    const permission = permissionOf(member)
    if (connected?.permission?.canPublish === permission.canPublish) return
    await at.permit(room.mediaName, identity, permission)
  }

  const evictFrom = async (at: MediaService, mediaName: string, identity: string, forGood: boolean) => {
    log('info', 'media-participant-removed', { identity })
    // An identity that left never returns, so a token that was made at this very moment is void, too.
    await at.remove(mediaName, identity, forGood ? Math.ceil(deps.now() / 1_000) + 60 : undefined)
  }

  const retry = () => {
    for (const roomId of unsettled) void settle(roomId)
  }

  const look = async () => {
    const own = service()
    const names = await (facts.isLooking() ? own.roomNames() : own.probe()).catch((error: MediaProblem) => {
      // A known trouble was told when it began.
      if (own.problem() === null) throw error
      return null
    })
    if (names === null) return
    if (!names) return retry()
    const isFull = performance.now() - fullAt > fullEveryMs
    if (isFull) fullAt = performance.now()
    const rooms = names.length > 0 ? await facts.roomsNamed(names) : []
    await Promise.all(
      rooms.map((room) =>
        room.isLiveHere ? settle(room.id, undefined, isFull ? 'all' : 'news') : own.deleteRoom(room.mediaName),
      ),
    )
    retry()
    // Where a join makes no room, those inside come back after a restart of the media server only if it is there.
    if (media.url === undefined) return
    const there = new Set(names)
    for (const name of await facts.namesInUse()) if (!there.has(name)) await create(own, name)
  }

  const watch = createMediaWatch({
    mode: media.url === undefined ? 'webhooks' : 'polling',
    log,
    look,
    hurryMs: () => (service().problem() || unsettled.size > 0 ? listEveryMs : null),
  })

  return {
    openRoom: async (roomId, mediaName) => {
      const home = await facts.claimHome(roomId)
      if (!home) throw unavailable()
      const key = `${home.serviceUrl} ${mediaName}`
      const at = service(home.serviceUrl)
      // What was opened a moment ago may be gone with its server.
      const known = at.problem() ? undefined : opened.get(key)
      const opening = known ?? create(at, mediaName)
      if (!known) {
        opened.set(key, opening)
        const forget = () => opened.get(key) === opening && opened.delete(key)
        opening.then(() => setTimeout(forget, openForMs).unref(), forget)
      }
      await opening.catch((error: MediaProblem) => {
        throw unavailable(error, at.pauseMs())
      })
      return home.clientUrl
    },
    settle: (roomId, identities) => void settle(roomId, identities),
    evict: (mediaName, identity, forGood) => evictFrom(service(), mediaName, identity, forGood),
    lookNow: watch.lookNow,
    heard: watch.heard,
    report: () => ({ watch: watch.mode(), problem: service().problem() }),
    begin: watch.begin,
    close: async () => {
      isClosed = true
      await watch.close()
      for (const { timer } of works.values()) clearTimeout(timer)
      await Promise.all([...works.values()].map(({ running }) => running))
    },
  }
}

const listEveryMs = 1_000
const jitterMs = 100
// A look at all who are connected, also where nobody came or went since the last one.
const fullEveryMs = 9_000
// A crowd that joins at once asks the media server once.
const openForMs = 1_000

const newWork = (): Work => ({
  identities: new Set(),
  list: null,
  listedAt: Number.NEGATIVE_INFINITY,
  seen: '',
  running: null,
})

const create = async (at: MediaService, name: string): Promise<void> => {
  const options = { name, emptyTimeout: 600, departureTimeout: 120 }
  const { maxParticipants } = await at.createRoom(options)
  if (maxParticipants === 0) return
  // Somebody made a room of this name before, with bounds that only a new one is free of.
  await at.deleteRoom(name)
  await at.createRoom(options)
}

/** Changes when somebody comes, goes, or comes again. */
const fingerprint = (connected: ParticipantInfo[]): string =>
  connected
    .map(({ sid }) => sid)
    .sort()
    .join()

// What a person in the room can know; the operator is told the rest.
const unavailable = (problem?: MediaProblem, retryAfterMs?: number) => {
  if (problem?.code === 'rate-limited')
    return apiError('media-unavailable', 'The media server is asked too often.', { retryAfterMs })
  if (problem && ['keys-refused', 'clock', 'not-livekit'].includes(problem.code))
    return apiError('media-unavailable', 'The media server refuses this house; its operator knows why.')
  return apiError('media-unavailable', 'The media server cannot be reached; try again in a moment.')
}
