import {
  type CreateOptions,
  type ParticipantInfo,
  type ParticipantPermission,
  type Room,
  RoomServiceClient,
} from 'livekit-server-sdk'
import type { Log } from './deps.ts'
import { onTooManyRequests } from './retry-after.ts'

/**
 * Why a media server does not do what it is asked; `message` is one sentence for its operator. `unreachable`: no answer,
 * or one that it is not there now. `keys-refused`: unknown key or wrong secret. `clock`: a
 * token of now is not valid there. `rate-limited`: HTTP 429. `not-livekit`: another kind of server. `failed`: the rest.
 */
export type MediaProblem = { code: MediaProblemCode; message: string }
type MediaProblemCode = 'unreachable' | 'keys-refused' | 'clock' | 'rate-limited' | 'not-livekit' | 'failed'

/** LiveKit's RoomService at one place. Each call throws a `MediaProblem` as Error; what is gone already is no problem. */
export type MediaService = {
  createRoom(options: CreateOptions): Promise<Room>
  deleteRoom(name: string): Promise<void>
  /** Whether it answers and takes the keys: as small a question as there is. */
  probe(): Promise<void>
  /** The names of all rooms there, also those of others. */
  roomNames(): Promise<string[]>
  participants(room: string): Promise<ParticipantInfo[]>
  /** `revokeTokenTs`: seconds since 1970; tokens from before are void, where the media server can. */
  remove(room: string, identity: string, revokeTokenTs?: number): Promise<void>
  permit(room: string, identity: string, permission: Partial<ParticipantPermission>): Promise<void>
  /** What keeps the media server as a whole from working, as the last calls saw it. */
  problem(): MediaProblem | null
  /** For how much longer it wants to be left alone, so that each call is refused here; 0: it may be asked. */
  pauseMs(): number
}

export const createMediaService = (
  { url, apiKey, apiSecret }: { url: string; apiKey: string; apiSecret: string },
  log: Log,
): MediaService => {
  const httpUrl = url.replace(/^ws/, 'http')
  const client = new RoomServiceClient(httpUrl, apiKey, apiSecret, {
    requestTimeout: 5,
    failover: false,
  })
  // Lists are many and can wait; what people did must not wait for them.
  const [lists, acts] = [createGate(4), createGate(8)]
  let problem: MediaProblem | null = null
  let failedAt = Number.NEGATIVE_INFINITY
  let pausedUntil = Number.NEGATIVE_INFINITY
  const pauseMs = () => Math.max(0, Math.ceil(pausedUntil - performance.now()))
  onTooManyRequests(new URL(httpUrl).origin, (retryAfterMs) => {
    pausedUntil = performance.now() + Math.min(retryAfterMs ?? usualPauseMs, longestPauseMs)
  })

  const well = () => {
    // One that answers every other call is not well.
    if (problem === null || performance.now() - failedAt < steadyMs) return
    problem = null
    log('info', 'media-back', { message: `The media server at ${url} works again.` })
  }
  const unwell = (next: MediaProblem) => {
    failedAt = performance.now()
    const isNews = problem?.code !== next.code
    problem = next
    if (isNews) log('warn', 'media-trouble', next)
  }
  const ask = async <T>(gate: Gate, call: () => Promise<T>, none?: T): Promise<T> => {
    try {
      const answer = await gate(() => (pauseMs() > 0 ? Promise.reject({ status: 429 }) : call()))
      well()
      return answer
    } catch (error) {
      if (none !== undefined && (error as { code?: unknown }).code === 'not_found') {
        well()
        return none
      }
      const found = problemOf(error, url)
      if (found.code !== 'failed') unwell(found)
      throw Object.assign(new Error(found.message), { code: found.code })
    }
  }
  const nothing = null

  return {
    createRoom: (options) =>
      ask(acts, async () => {
        const room = await client.createRoom(options)
        if (room.name !== options.name) throw new SyntaxError('no room in the answer')
        return room
      }),
    deleteRoom: async (name) => void (await ask(acts, () => client.deleteRoom(name).then(() => nothing), nothing)),
    probe: async () => void (await ask(lists, () => client.listRooms(['-']))),
    roomNames: () => ask(lists, async () => (await client.listRooms()).map(({ name }) => name)),
    participants: (room) => ask(lists, () => client.listParticipants(room), []),
    remove: async (room, identity, revokeTokenTs) => {
      const options = revokeTokenTs === undefined ? undefined : { revokeTokenTs: BigInt(revokeTokenTs) }
      await ask(acts, () => client.removeParticipant(room, identity, options).then(() => nothing), nothing)
    },
    permit: async (room, identity, permission) =>
      void (await ask(
        acts,
        () => client.updateParticipant(room, identity, { permission }).then(() => nothing),
        nothing,
      )),
    problem: () => problem,
    pauseMs,
  }
}

const steadyMs = 2_000
const usualPauseMs = 5_000
// Whoever asks for more may not keep a house from its rooms for longer.
const longestPauseMs = 60_000

/** Asks a media server once, without an effect. Null: it works, and takes these keys. */
export const probeMediaServer = async (plane: {
  url: string
  apiKey: string
  apiSecret: string
}): Promise<MediaProblem | null> => {
  const service = createMediaService(plane, () => {})
  return service.probe().then(
    () => null,
    (error: MediaProblem) => ({ code: error.code, message: error.message }),
  )
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>

/** At most `width` at a time, the others in turn. */
const createGate = (width: number): Gate => {
  let free = width
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

type Refusal = { status?: number; code?: unknown; message?: string; name?: string; cause?: { code?: string } }

const problemOf = (error: unknown, url: string): MediaProblem => {
  const refusal = error as Refusal
  const server = `The media server at ${url}`
  if (refusal.status === undefined) return withoutStatus(refusal, server)
  const { status, code, message = '' } = refusal
  if (status === 401) return unauthorized(message, server)
  if (status === 429) return { code: 'rate-limited', message: `${server} says that it is asked too often.` }
  // Twirp errors carry a code; what has none was said by something else, maybe a proxy whose LiveKit is away.
  if (typeof code === 'string') return { code: 'failed', message: `${server} failed: ${code}, ${message}` }
  if (status >= 500 && status !== 501)
    return { code: 'unreachable', message: `${server} is not there now: HTTP ${status}.` }
  return { code: 'not-livekit', message: `What answers at ${url} is no LiveKit server: HTTP ${status}.` }
}

const withoutStatus = ({ name, cause, message }: Refusal, server: string): MediaProblem => {
  if (name === 'TimeoutError') return { code: 'unreachable', message: `${server} did not answer in time.` }
  // What fetch throws when there is no answer; all else is about what the answer held.
  // What answers without being HTTP is a server, too: llhttp names its errors HPE_….
  const isHttp = !cause?.code?.startsWith('HPE_')
  if (name === 'TypeError' && message === 'fetch failed' && isHttp)
    return { code: 'unreachable', message: `${server} cannot be reached${cause?.code ? ` (${cause.code})` : ''}.` }
  return { code: 'not-livekit', message: `${server} is no LiveKit server: its answers are of another kind.` }
}

// The text quotes the token, so it is read but never told.
const unauthorized = (text: string, server: string): MediaProblem => {
  if (/not valid yet|used before/.test(text))
    return { code: 'clock', message: `${server} takes tokens of now for tokens of the future: its clock is behind.` }
  if (/expired/.test(text))
    return { code: 'clock', message: `${server} takes tokens of now for expired ones: its clock is ahead.` }
  const part = /invalid API key/.test(text) ? 'does not know the API key' : 'does not take the API key and secret'
  return { code: 'keys-refused', message: `${server} ${part}: LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be its own.` }
}
