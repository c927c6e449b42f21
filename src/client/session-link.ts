import { setTimeout as sleep } from 'node:timers/promises'
import { apiError } from '../protocol/errors.ts'
import type { RoomEvent } from '../protocol/events.ts'
import type { Joined } from '../protocol/rooms.ts'
import type { Api } from './api.ts'
import type { Subscription } from './api-events.ts'
import { connectMedia, type Media, type MediaEnd, type MediaEvent, type MediaOptions, preloadMedia } from './media.ts'
import { eventHere, joinedHere } from './server-clock.ts'
import { endOf, endOfError, type SessionEnd, unreachableEnd } from './session-end.ts'

/** A room of a roomtone server, or any LiveKit room by its own token. */
export type SessionTarget = { api: Api; roomId: string } | { url: string; token: string }

export type LinkOptions = {
  target: SessionTarget
  seatId: string
  name?: string
  recording?: boolean
  /** How long a first join is tried for. */
  joinWithinMs?: number
  /** The wish that each heartbeat carries. */
  isMuted(): boolean
  onJoined(answer: Joined): void
  onRoomEvent(event: RoomEvent): void
  /** Connected: sound may flow. */
  onMedia(media: Media): void
  onMediaEvent(event: MediaEvent): void
  onPcm: MediaOptions['onPcm']
  onLost(cause: string): void
  onEnd(end: SessionEnd): void
  onWarning(message: string): void
  /** The media server has no place for now, or cannot be reached: it is asked again. */
  onWaiting(message: string): void
}

export type Link = {
  media(): Media | undefined
  /** Resolves when in the room for the first time; rejects with what kept one out. */
  enter(): Promise<void>
  /** Leaves the media server and joins anew. */
  rejoin(cause: string): void
  /** Tells the server of the mute wish at once. */
  beat(): Promise<void>
  /** For good; `sayGoodbye`: the server is told, too. */
  close(sayGoodbye: boolean): Promise<void>
}

const JOIN_WITHIN_MS = 8_000
// Where the server says that its turn will come.
const WAIT_WITHIN_MS = 25_000
const SILENT_TRIES_MS = 1_000
const FIRST_RETRY_MS = 200
const LAST_RETRY_MS = 1_000
const SERVER_SILENT_MS = 3_000
const NOT_YET = 'The room cannot be reached yet; trying again.'
const SEAT_LOST = 'the server had given the seat up'

/** Keeps one seat connected to its server and its media server: joins, follows, beats, and comes back after a cut. */
export const createLink = (options: LinkOptions): Link => {
  const { target } = options
  const closing = new AbortController()
  const server = 'api' in target ? createServerLink({ ...options, target, signal: closing.signal }) : undefined
  let media: Media | undefined
  let isSettled = false
  let ownAccess = target as { url: string; token: string }

  const end = (error: unknown) => options.onEnd(endOfError(error) ?? unreachableEnd(error as Error))

  const connect = async () => {
    const joining = server?.join(onServerNews)
    preloadMedia()
    const access = joining ? await joining : ownAccess
    if (closing.signal.aborted) return
    let next: Media | undefined
    next = await connectMedia({
      ...access,
      onPcm: options.onPcm,
      // What happens while connecting is in the picture that the connection begins with.
      onEvent: (event) => next && onMediaEvent(event),
    }).catch((error: Error & { code?: string; end?: Exclude<MediaEnd, 'lost'> }) => {
      if (error.code === 'media-ended' && !server) throw endedBy(error.end!)
      // Our server knows why, and has a fresh token for whoever may come again: it is asked next.
      if (server && (error.code === 'media-ended' || error.code === 'sign-in-needed'))
        throw apiError('media-unavailable', 'The media server did not let you in.')
      throw error
    })
    if (closing.signal.aborted) return next.close()
    media = next
    isSettled = true
    options.onMedia(media)
  }

  const disconnect = async () => {
    const was = media
    media = undefined
    if (was) ownAccess = { ...ownAccess, token: was.token() }
    server?.unfollow()
    await was?.close()
  }

  const onMediaEvent = (event: MediaEvent) => {
    if (event.type === 'disconnected') onMediaEnd(event.end)
    else options.onMediaEvent(event)
  }

  const onMediaEnd = (reason: MediaEnd) => {
    // Where we have a server, it knows who did what to whom; coming back asks it first.
    if (server || reason === 'lost') return void recover('the media connection was lost')
    options.onEnd(endOf(leaveReasons[reason]))
  }

  const onServerNews = (news: ServerNews) => {
    if (news.type === 'lost') void recover(news.cause)
    else if (news.type === 'over') options.onEnd(news.end)
    else if (news.type === 'silent') options.onWarning('The server does not answer; trying again.')
    else options.onRoomEvent(news.event)
  }

  const comeBack = async () => {
    await disconnect()
    await server?.askWhetherOver()
    await connect()
  }

  const recover = async (cause: string) => {
    if (!isSettled || closing.signal.aborted) return
    isSettled = false
    options.onLost(cause)
    const withinMs = Number.POSITIVE_INFINITY
    await tryFor({ withinMs, waitWithinMs: withinMs, signal: closing.signal, attempt: comeBack }).catch(end)
  }

  const beat = async () => {
    if (!server || !isSettled) return
    const news = await server.beat()
    if (news && isSettled) onServerNews(news)
  }

  const keepBeating = async () => {
    while (server && !closing.signal.aborted) {
      await sleep(server.heartbeatMs(), undefined, { signal: closing.signal }).catch(() => {})
      if (!closing.signal.aborted) await beat()
    }
  }

  return {
    media: () => media,
    enter: async () => {
      const withinMs = options.joinWithinMs ?? JOIN_WITHIN_MS
      await tryFor({
        withinMs,
        waitWithinMs: Math.max(withinMs, WAIT_WITHIN_MS),
        signal: closing.signal,
        attempt: (isFirst) => (isFirst ? connect() : comeBack()),
        onWaiting: options.onWaiting,
      })
      void keepBeating()
    },
    rejoin: (cause) => void recover(cause),
    beat,
    close: async (sayGoodbye) => {
      closing.abort()
      await Promise.all([disconnect(), sayGoodbye && server?.leave()])
    },
  }
}

const leaveReasons = { replaced: 'replaced', removed: 'kicked', 'room-ended': 'room-ended' } as const
const errorCodes = { replaced: 'seat-replaced', removed: 'kicked', 'room-ended': 'room-ended' } as const

const endedBy = (end: Exclude<MediaEnd, 'lost'>): Error => apiError(errorCodes[end], endOf(leaveReasons[end]).message)

type Tries = {
  withinMs: number
  /** The same where the server says when to come again (`retryAfterMs` of an error). */
  waitWithinMs: number
  signal: AbortSignal
  attempt(isFirst: boolean): Promise<unknown>
  onWaiting?(message: string): void
}

const tryFor = async ({ withinMs, waitWithinMs, signal, attempt, onWaiting }: Tries) => {
  const startedAt = performance.now()
  let deadline = startedAt + withinMs
  let isTold = false
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      await attempt(tries === 0)
      return
    } catch (error) {
      if (signal.aborted) return
      const { retryAfterMs } = error as { retryAfterMs?: number }
      if (retryAfterMs !== undefined) deadline = startedAt + waitWithinMs
      if (endOfError(error) || performance.now() + (retryAfterMs ?? 0) > deadline) throw error
      const news = retryAfterMs === undefined ? NOT_YET : `${(error as Error).message} Waiting for a place.`
      const mustTell: boolean = !isTold && (news !== NOT_YET || performance.now() - startedAt > SILENT_TRIES_MS)
      if (mustTell) onWaiting?.(news)
      isTold ||= mustTell
      const pauseMs = retryAfterMs || Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 1.7 ** tries)
      // Whoever was sent away together does not come back together, nor too early.
      const spread = retryAfterMs ? 1 + Math.random() / 2 : 0.5 + Math.random()
      await sleep(pauseMs * spread, undefined, { signal }).catch(() => {})
    }
  }
}

type ServerNews =
  | { type: 'event'; event: RoomEvent }
  | { type: 'lost'; cause: string }
  | { type: 'over'; end: SessionEnd }
  | { type: 'silent' }

/** The half of the link that is a roomtone server's: roster, events, heartbeats. */
const createServerLink = ({
  target: { api, roomId },
  seatId,
  name,
  recording,
  isMuted,
  onJoined,
  signal,
}: LinkOptions & { target: { api: Api; roomId: string }; signal: AbortSignal }) => {
  const params = { roomId }
  let joining: Promise<unknown> | undefined
  let heartbeatMs = 5_000
  let subscription: Subscription | undefined
  let tellNews: (news: ServerNews) => void = () => {}

  const join = async (onNews: (news: ServerNews) => void) => {
    tellNews = onNews
    const asked = api.call('joinRoom', { params, body: { seatId, name, recording } })
    joining = asked
    const answer = await asked
    heartbeatMs = answer.heartbeatMs
    if (signal.aborted) return answer.media
    onJoined(joinedHere(answer, api.clockAheadMs()))
    follow(answer)
    return answer.media
  }

  const follow = ({ room, eventCursor }: Joined) => {
    let silent: NodeJS.Timeout | undefined
    subscription?.close()
    const events = api.subscribe({
      roomId: room.id,
      seatId,
      cursor: eventCursor,
      onEvent: (event) =>
        event.type === 'reset' ? refresh() : tellNews({ type: 'event', event: eventHere(event, api.clockAheadMs()) }),
      onStatus: (status, cause) => {
        if (status === 'open') clearTimeout(silent)
        if (status === 'open') silent = undefined
        else silent ??= setTimeout(() => tellNews({ type: 'silent' }), SERVER_SILENT_MS)
        const news = cause && newsOf(cause)
        if (news) tellNews(news)
      },
    })
    subscription = {
      close: () => {
        clearTimeout(silent)
        events.close()
      },
    }
  }

  /** The events have a hole: the roster is fetched anew, the sound goes on. */
  const refresh = () => {
    join(tellNews).catch((error: Error) => tellNews(newsOf(error) ?? { type: 'lost', cause: error.message }))
  }

  // The next one is due then; one that hangs on a dead connection must not keep it back.
  const sendHeartbeat = () =>
    api.call('heartbeat', {
      params,
      body: { seatId, isMuted: isMuted() },
      signal: AbortSignal.timeout(heartbeatMs),
    })

  return {
    join,
    heartbeatMs: () => heartbeatMs,
    unfollow: () => subscription?.close(),
    beat: async (): Promise<ServerNews | undefined> => {
      try {
        const { status } = await sendHeartbeat()
        return status === 'away' ? { type: 'lost', cause: SEAT_LOST } : undefined
      } catch (error) {
        return newsOf(error as Error)
      }
    },
    /** Throws what is final. A join would take the seat back from whoever replaced it, so this comes first. */
    askWhetherOver: async () => {
      await sendHeartbeat().catch((error: { code?: string }) => {
        if (error.code !== 'not-in-room') throw error
      })
    },
    /** After the answer to a join: a leave that overtook it would leave somebody behind who is not there. */
    leave: async () => {
      await joining?.catch(() => {})
      await api.call('leaveRoom', { params, body: { seatId } }).catch(() => {})
    },
  }
}

const newsOf = (error: Error): ServerNews | undefined => {
  if ((error as { code?: string }).code === 'not-in-room') return { type: 'lost', cause: SEAT_LOST }
  const end = endOfError(error)
  return end && { type: 'over', end }
}
