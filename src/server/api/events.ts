import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { apiError } from '../../protocol/errors.ts'
import type { Role } from '../../protocol/rooms.ts'
import type { Caller } from '../call.ts'
import { type EventRow, hallway, readEvents, roomTopic, topicState } from '../event-log.ts'
import type { EventFeeds } from '../events.ts'
import { explainAbsence, type RoomContext } from '../room-context.ts'
import { toAccount } from '../unhosted.ts'

export type EventStreams = {
  count(): number
  /** Ends the streams of a revoked session, or with null of a whole account. */
  endOf(accountId: string, sessionId: string | null): void
  /** Ends the streams of sessions and tokens that are there no more: a word of them may have been missed. */
  endRevoked(): Promise<void>
  endAll(): void
}

type Stream = { accountId: string; sessionId: string | null; end(): void }

// What a slow reader may leave unread before it is cut off; it resumes where it stopped.
const maxBacklogBytes = 1024 * 1024

/**
 * `GET /api/events`: the hallway, or a room's events for one who is in it (`?room=ID`; a bot with several seats names
 * one by `&seat=ID`). Resumes after `Last-Event-ID` or `?cursor=`. See protocol/events.
 */
export const serveEvents = (
  app: FastifyInstance,
  context: RoomContext,
  callerOf: (request: FastifyRequest) => Promise<Caller>,
): EventStreams => {
  const { settings } = context
  const streams = new Set<Stream>()
  app.get('/api/events', async (request, reply) => {
    const caller = await callerOf(request)
    const query = queryOf(request)
    const source =
      query.room === undefined ? await hallwaySource(context, caller, query) : await roomSource(context, caller, query)
    const open = [...streams].filter(({ accountId }) => accountId === caller.account.id).length
    if (open >= settings.subscribersPerAccount + source.seats)
      throw apiError('rate-limited', 'Too many event streams are open for this account.', { retryAfterMs: 5_000 })
    // Hung up meanwhile: it would never be told so again.
    if (reply.raw.destroyed) return
    const stream = openStream(request, reply, caller, settings.sseHeartbeatMs, streams)
    try {
      // A revocation since the caller was looked at ended the streams that were open: not yet this one.
      await endRevoked(context, [stream])
      await run(context.feeds, source, stream)
    } catch (error) {
      // The headers are out: whoever reads is cut off, and resumes.
      stream.end()
      context.log('error', 'events-not-read', { message: (error as Error).message })
    }
  })
  return {
    count: () => streams.size,
    endOf: (accountId, sessionId) => {
      for (const stream of [...streams])
        if (stream.accountId === accountId && (sessionId === null || stream.sessionId === sessionId)) stream.end()
    },
    endRevoked: () => endRevoked(context, [...streams]),
    endAll: () => {
      for (const stream of [...streams]) stream.end()
    },
  }
}

const endRevoked = async (context: RoomContext, streams: Stream[]): Promise<void> => {
  const live = await liveSignIns(context, streams)
  for (const stream of streams) if (!live.has(stream.sessionId ?? stream.accountId)) stream.end()
}

const liveSignIns = async ({ store }: RoomContext, streams: Stream[]): Promise<Set<string>> => {
  if (streams.length === 0) return new Set()
  const ids = [...new Set(streams.map(({ sessionId, accountId }) => sessionId ?? accountId))]
  const sessions = await store.db.selectFrom('session').select('id').where('id', 'in', ids).execute()
  const tokens = await store.db.selectFrom('bot_token').select('account_id').where('account_id', 'in', ids).execute()
  return new Set([...sessions.map(({ id }) => id), ...tokens.map((token) => token.account_id)])
}

type Query = { room?: string; seat?: string; cursor: number | null }
type Source = {
  topic: string
  cursor: number
  /** How many seats the account has there: a bot fills many, each with its stream. */
  seats: number
  /** Whether the reader may see the row; called in order, as it follows the reader's own role. */
  isVisible(row: EventRow): boolean
  /** The last row this reader gets. */
  isLast(row: EventRow): boolean
}

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

const queryOf = (request: FastifyRequest): Query => {
  const query = request.query as Record<string, string | string[] | undefined>
  for (const [name, value] of Object.entries(query)) {
    if (!['room', 'seat', 'cursor'].includes(name))
      throw apiError('bad-request', `Unknown query parameter ${name}.`, { field: name })
    if (typeof value !== 'string') throw apiError('bad-request', `Give ${name} once.`, { field: name })
  }
  const { room, seat, cursor } = query as Record<string, string | undefined>
  if (room !== undefined && !uuid.test(room)) throw apiError('not-found', 'No such room.')
  if (seat !== undefined && !uuid.test(seat)) throw apiError('bad-request', 'A seat is a UUID.', { field: 'seat' })
  const resumeAt = request.headers['last-event-id'] ?? cursor
  if (resumeAt === undefined) return { room, seat, cursor: null }
  if (!/^\d{1,15}$/.test(String(resumeAt)))
    throw apiError('bad-request', 'Not a cursor of this stream.', { field: 'cursor' })
  return { room, seat, cursor: Number(resumeAt) }
}

const hallwaySource = async (
  { store }: RoomContext,
  { account, ownerId }: Caller,
  { cursor }: Query,
): Promise<Source> => ({
  topic: hallway,
  cursor: cursor ?? (await topicState(store.db, hallway))!.seq,
  seats: 0,
  isVisible: ({ toParticipant }) => toParticipant === null || toParticipant === toAccount(ownerId ?? account.id),
  isLast: () => false,
})

const roomSource = async (context: RoomContext, caller: Caller, query: Query): Promise<Source> => {
  const { store, now } = context
  const roomId = query.room!
  const topic = roomTopic(roomId)
  const topicNow = await topicState(store.db, topic)
  if (!topicNow) throw apiError('not-found', 'No such room.')
  const cursor = query.cursor ?? topicNow.seq
  const all = await store.db
    .selectFrom('participant')
    .select(['id', 'role', 'seat_id', 'left_at'])
    .where('room_id', '=', roomId)
    .where('account_id', '=', caller.account.id)
    .where('kind', '!=', 'companion')
    .orderBy('joined_at', 'desc')
    .execute()
  const seats = all.filter((seat) => query.seat === undefined || seat.seat_id === query.seat)
  const here = seats.filter((seat) => seat.left_at === null)
  const readers = here.length > 0 ? here : seats.slice(0, 1)
  // Cut off before it could read that it left or that the room ended: it still gets to read up to there.
  if (here.length === 0 && !(await leadsToEnd(context, topic, cursor, readerOf(readers, now))))
    throw await explainAbsence(context, roomId, caller.account.id, query.seat)
  return { topic, cursor, seats: all.filter((seat) => seat.left_at === null).length, ...readerOf(readers, now) }
}

const leadsToEnd = async (
  { store }: RoomContext,
  topic: string,
  cursor: number,
  { isLast }: Pick<Source, 'isLast'>,
): Promise<boolean> => {
  for (let seq = cursor; ; ) {
    const rows = await readEvents(store.db, topic, seq)
    if (rows.some(isLast)) return true
    if (rows.length === 0) return false
    seq = rows.at(-1)!.seq
  }
}

/**
 * Follows the roles of the reader's participants, as moderators see more, and ends when the last of them is out. It
 * remembers who is: one for each pass over the rows.
 */
const readerOf = (seats: { id: string; role: Role }[], now: () => number): Pick<Source, 'isVisible' | 'isLast'> => {
  const roles = new Map(seats.map(({ id, role }) => [id, role]))
  return {
    isVisible: (row) => {
      if (row.type === 'participant') {
        const { participant } = JSON.parse(row.dataJson) as { participant: { id: string; role: Role } }
        if (roles.has(participant.id)) roles.set(participant.id, participant.role)
      }
      if (row.toParticipant !== null && roles.has(row.toParticipant)) return !isStale(row, now())
      if (row.toModerators) return [...roles.values()].includes('moderator')
      return row.toParticipant === null
    },
    isLast: (row) => {
      if (row.type === 'room-ended') return true
      if (row.type !== 'participant-left') return false
      const { participantId } = JSON.parse(row.dataJson) as { participantId: string }
      return roles.delete(participantId) && roles.size === 0
    },
  }
}

/** A command that is not waited for any more would come as a surprise. */
const isStale = (row: EventRow, now: number): boolean =>
  row.type === 'program-command' && Date.parse((JSON.parse(row.dataJson) as { until: string }).until) <= now

type Output = Stream & { write(text: string): void; onEnd(work: () => void): void }

const run = async (feeds: EventFeeds, source: Source, output: Output): Promise<void> => {
  const unsubscribe = await feeds.subscribe(source.topic, source.cursor, {
    onEvent: (row) => {
      if (source.isVisible(row)) output.write(`id: ${row.seq}\nevent: ${row.type}\ndata: ${row.dataJson}\n\n`)
      if (source.isLast(row)) output.end()
    },
    onReset: (seq) => output.write(`id: ${seq}\nevent: reset\ndata: {}\n\n`),
  })
  output.onEnd(unsubscribe)
}

/** The response as an event stream, with a comment now and then, so that both ends notice a dead connection. */
const openStream = (
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller,
  heartbeatMs: number,
  streams: Set<Stream>,
): Output => {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'keep-alive',
  })
  raw.write(':\n\n')
  let isEnded = false
  let onEnd = () => {}
  const stream: Stream = {
    accountId: caller.account.id,
    sessionId: caller.sessionId,
    end: () => {
      if (isEnded) return
      isEnded = true
      clearInterval(heartbeat)
      streams.delete(stream)
      raw.end()
      onEnd()
    },
  }
  const write = (text: string) => {
    if (isEnded) return
    raw.write(text)
    if (raw.writableLength > maxBacklogBytes) {
      stream.end()
      raw.destroy()
    }
  }
  const heartbeat = setInterval(() => write(':\n\n'), heartbeatMs)
  streams.add(stream)
  request.raw.socket.setNoDelay(true)
  raw.on('close', stream.end)
  raw.on('error', stream.end)
  return {
    ...stream,
    write,
    onEnd: (work) => {
      onEnd = work
      if (isEnded) work()
    },
  }
}
