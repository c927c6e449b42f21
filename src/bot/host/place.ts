import { type Api, createApi } from '../../client/api.ts'
import { tokenCredentials } from '../../client/credentials.ts'
import type { SessionOptions } from '../../client/session-contract.ts'
import type { SessionScript } from '../script/script.ts'
import { airVarsOf, fillText, lastingText } from '../script/text.ts'
import type { Lease } from './lease.ts'
import type { NextSitting } from './next-sitting.ts'
import type { HostTarget } from './wire.ts'

export type PlaceRoom = { id: string; title: string; link: string | null; isTakenUp: boolean }

/** Where a session is held: a roomtone server, or one LiveKit room. */
export type Place = {
  /** What the journal names it by. */
  name: string
  /** Tells the server's calendar of the session. */
  register(script: SessionScript, durationMs: number | null): Promise<void>
  /** The right to host that sitting, among all hosts that know this place; null: nobody else can know of it. */
  lease(script: SessionScript, sitting: NextSitting, holder: string, endsMs: () => number | null): Lease | null
  /** The sitting's room: the one it has, or a new one. Throws `room-ended` where somebody ended it. */
  room(
    script: SessionScript,
    sitting: NextSitting,
    grant: { fence: number; roomId: string | null } | null,
  ): Promise<PlaceRoom | null>
  target(room: PlaceRoom | null): SessionOptions['target']
  /** Access for a companion that only listens; null where the place has none. */
  earAccess(room: PlaceRoom | null): (() => Promise<{ url: string; token: string }>) | null
  setHands(room: PlaceRoom | null, hands: 'everyone' | 'off'): Promise<unknown>
  endRoom(room: PlaceRoom | null): Promise<unknown>
  close(): Promise<void>
}

export const openPlace = (target: HostTarget): Place => ('server' in target ? serverPlace(target) : mediaPlace(target))

/** Without a server of ours the token names the room, and nobody opens or ends it. */
const mediaPlace = (target: { url: string; token: string }): Place => ({
  name: target.url,
  register: async () => {},
  lease: () => null,
  room: async () => null,
  target: () => target,
  earAccess: () => null,
  setHands: async () => {},
  endRoom: async () => {},
  close: async () => {},
})

/** The server's calendar takes no session without an end. */
const ENDLESS_MS = 24 * 3_600_000

const serverPlace = ({ server, token, proxy }: Extract<HostTarget, { server: string }>): Place => {
  const api = createApi({ server, credentials: tokenCredentials(token), proxy })
  /** Of the session that the calendar knows, by its name. */
  const eventIds = new Map<string, string>()
  return {
    name: server,
    register: async (script, durationMs) => {
      if (!script.schedule) return
      const { catchupMs: _, ...schedule } = script.schedule
      const { title, topic, language, opensBeforeMs, closesAfterMs } = script.room
      const body = {
        title: lastingText(title),
        topic: topic && lastingText(topic),
        language,
        schedule,
        opensBeforeMs,
        closesAfterMs,
        durationMs: durationMs ?? ENDLESS_MS,
      }
      const { id } = await api.call('registerSession', { params: { name: script.name }, body })
      eventIds.set(script.name, id)
    },
    lease: (script, { occurrence, isScheduled }, holder, endsMs) => {
      const eventId = eventIds.get(script.name)
      if (!isScheduled || !eventId) return null
      const roomId = script.room.existing ? idOf(script.room.existing) : undefined
      return serverLease(api, { eventId, ruled: occurrence }, { holder, roomId }, endsMs)
    },
    room: async (script, sitting, grant) => {
      const known = script.room.existing ? idOf(script.room.existing) : (grant?.roomId ?? sitting.journal?.room?.id)
      const room = known ? await api.call('showRoom', { params: { roomId: known } }) : null
      if (room && !room.endedAt) return { id: room.id, title: room.title, link: room.link, isTakenUp: true }
      // A room that nobody kept while the host was away is no decision of anybody's, but a session's is kept.
      if (room && (sitting.isScheduled || script.room.existing))
        throw Object.assign(new Error(`The room "${room.title}" was ended.`), { code: 'room-ended' })
      const { title, topic, language, sound, hands, cohosts } = script.room
      const eventId = eventIds.get(script.name)
      const about = { atMs: sitting.startMs ?? Date.now(), zone: script.schedule?.zone ?? null, language, listeners: 0 }
      const fill = (text: string) => fillText(text, airVarsOf(about))
      const made = await api.call('createRoom', {
        body: {
          ...{ title: fill(title), topic: topic && fill(topic), language, sound, cohosts },
          ...(typeof hands === 'string' ? { hands } : { hands: 'list', handsList: hands.list }),
          ...(grant && eventId && { occurrence: { eventId, ruled: sitting.occurrence, fence: grant.fence } }),
        },
      })
      return { id: made.id, title: made.title, link: made.link, isTakenUp: false }
    },
    target: (room) => ({ api, roomId: room!.id }),
    earAccess: (room) => () => api.call('companion', { params: { roomId: room!.id } }),
    setHands: (room, hands) => api.call('editRoom', { params: { roomId: room!.id }, body: { hands } }),
    endRoom: (room) => api.call('endRoom', { params: { roomId: room!.id } }),
    close: () => api.close(),
  }
}

const serverLease = (
  api: Api,
  params: { eventId: string; ruled: string },
  /** `roomId`: where it is held in a room that was there before, so that nobody is told that it has no host. */
  { holder, roomId: existing }: { holder: string; roomId: string | undefined },
  endsMs: () => number | null,
): Lease => ({
  take: async () => {
    const closesMs = endsMs()
    const closesAt = closesMs === null ? undefined : new Date(closesMs).toISOString()
    try {
      const { fence, roomId } = await api.call('leaseOccurrence', {
        params,
        body: { holder, closesAt, roomId: existing },
      })
      return { fence, roomId }
    } catch (error) {
      const { code, retryAfterMs } = error as { code?: string; retryAfterMs?: number }
      if (code === 'conflict' && retryAfterMs !== undefined) return null
      throw error
    }
  },
  release: () => api.call('releaseOccurrence', { params, body: { holder } }),
})

/** An id, or a link that ends in one. */
const idOf = (room: string): string => room.replace(/^https?:\/\/[^/]+\/r\//, '')
