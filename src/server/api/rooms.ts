import { apiError, isApiError } from '../../protocol/errors.ts'
import type { ListRooms, Rooms } from '../../protocol/rooms.ts'
import type { Call, Caller, Handlers } from '../call.ts'
import { joinRoom, leaveRoom } from '../domain/presence.ts'
import { type Host, handsOf, invitationView, participantView, rosterOf } from '../domain/room-state.ts'
import { editRoom, endRoom, isModerator, openRoom, requireLive } from '../domain/rooms.ts'
import { hallway, topicState } from '../event-log.ts'
import { notInRoom, seatOf } from '../live-rooms.ts'
import { mediaToken } from '../media-tokens.ts'
import { explainAbsence, isInRoom, personOf, type RoomContext, randomId } from '../room-context.ts'
import { loadRoom, viewOf } from '../room-store.ts'

type RoomRoutes =
  | 'listRooms'
  | 'createRoom'
  | 'showRoom'
  | 'editRoom'
  | 'endRoom'
  | 'joinRoom'
  | 'heartbeat'
  | 'leaveRoom'
  | 'listParticipants'

export const roomHandlers = (context: RoomContext): Pick<Handlers, RoomRoutes> => {
  const { rooms, store, now, settings } = context
  return {
    listRooms: ({ query }) => listRooms(context, query),
    createRoom: (call) => createRoom(context, call),
    showRoom: ({ params }) => showRoom(context, params.roomId),
    editRoom: async ({ params, body, caller }) => {
      await rooms.change(params.roomId, (state) => ({ next: editRoom(state, personOf(caller), body) }))
      return showRoom(context, params.roomId)
    },
    endRoom: async ({ params, caller }) => {
      await rooms.change(params.roomId, (state, at) => ({ next: endRoom(state, personOf(caller), at) }))
    },
    joinRoom: (call) => join(context, call),
    heartbeat: (call) => heartbeat(context, call),
    leaveRoom: async ({ params, body, caller }) => {
      await rooms
        .change(params.roomId, (state, at) => {
          const { id } = seatOf(state, caller.account.id, body.seatId)
          return { next: leaveRoom(state, id, at), actorId: id }
        })
        .catch(absence(context, params.roomId, caller, body.seatId))
    },
    listParticipants: async ({ params, caller }) => {
      const state = await loadRoom(store.db, params.roomId)
      requireLive(state)
      if (!isInRoom(state, caller) && !isModerator(state, personOf(caller))) throw notInRoom()
      return { participants: rosterOf(state) }
    },
  }

  async function heartbeat({ seen }: RoomContext, { params, body, caller }: Call<'heartbeat'>) {
    const seat = await store.db
      .selectFrom('participant')
      .select(['id', 'is_muted', 'away_at'])
      .where('room_id', '=', params.roomId)
      .where('account_id', '=', caller.account.id)
      .where('seat_id', '=', body.seatId)
      .where('left_at', 'is', null)
      .executeTakeFirst()
    if (!seat) throw await absentFrom(params.roomId, caller.account.id, body.seatId)
    if (seat.away_at !== null) return { status: 'away' as const }
    if (seat.is_muted !== body.isMuted)
      await store.db.updateTable('participant').set({ is_muted: body.isMuted }).where('id', '=', seat.id).execute()
    seen.set(seat.id, now())
    return { status: 'present' as const }
  }

  async function absentFrom(roomId: string, accountId: string, seatId: string) {
    await loadRoom(store.db, roomId)
    return explainAbsence(context, roomId, accountId, seatId)
  }

  async function join(_context: RoomContext, { params, body, caller }: Call<'joinRoom'>) {
    const { roomId } = params
    if (body.name !== undefined && caller.account.kind === 'person')
      throw apiError('bad-request', 'Only a bot names itself when joining.', { field: 'name' })
    const person = personOf(caller, body.name)
    const request = { seatId: body.seatId, recording: body.recording ?? false }
    const limits = { maxParticipants: settings.participantsPerRoom }
    await refuseReplacedSeat(roomId, caller.account.id, body.seatId)
    const state = await loadRoom(store.db, roomId)
    const newId = randomId(context.randomBytes)
    // A dry run first: who may not join must not make a room at the media server.
    joinRoom(state, person, request, { now: now(), newId, ...limits })
    await context.mediaServer.openRoom(state.mediaName)
    const { after, cursor } = await rooms.change(roomId, (current, at) => {
      const next = joinRoom(current, person, request, { now: at, newId, ...limits })
      return { next, actorId: seatOf(next, person.accountId, body.seatId).id }
    })
    const you = seatOf(after, person.accountId, body.seatId)
    const hands = handsOf(after)
    return {
      room: await showRoom(context, roomId),
      you: participantView(you),
      participants: rosterOf(after),
      hands: you.role === 'moderator' ? hands : hands.filter((hand) => hand.participantId === you.id),
      invitation: invitationView(you),
      isMuted: you.isMuted,
      media: {
        url: context.mediaServer.clientUrl(),
        token: await mediaToken(context.media, after.mediaName, you, settings.mediaTokenTtlMs),
      },
      eventCursor: String(cursor),
      heartbeatMs: settings.heartbeatMs,
    }
  }

  /** Replaced is final for a seat: its reconnect must not take the place back. */
  async function refuseReplacedSeat(roomId: string, accountId: string, seatId: string) {
    const replaced = await store.db
      .selectFrom('participant')
      .select('id')
      .where('room_id', '=', roomId)
      .where('account_id', '=', accountId)
      .where('seat_id', '=', seatId)
      .where('left_reason', '=', 'replaced')
      .executeTakeFirst()
    if (replaced) throw apiError('seat-replaced', 'Another seat of yours took over this room.')
  }
}

/** Turns `not-in-room` of a seat into what happened to it. */
export const absence =
  (context: RoomContext, roomId: string, caller: Caller, seatId: string) =>
  async (error: unknown): Promise<never> => {
    if (!isApiError(error) || error.code !== 'not-in-room') throw error
    throw await explainAbsence(context, roomId, caller.account.id, seatId)
  }

const showRoom = async ({ store, publicUrl }: RoomContext, roomId: string) => {
  const row = await store.db.selectFrom('room').select(['id', 'view_json']).where('id', '=', roomId).executeTakeFirst()
  if (!row) throw apiError('not-found', 'No such room.')
  return viewOf(row, publicUrl())
}

/** Newest first; the page's cursor is the place of its last room. */
const listRooms = async ({ store, publicUrl }: RoomContext, query: ListRooms): Promise<Rooms> => {
  const limit = query.limit ?? 50
  const after = query.cursor === undefined ? null : placeOf(query.cursor)
  // Before the rooms: what changes in between is told again rather than missed.
  const { seq } = (await topicState(store.db, hallway))!
  const rows = await store.db
    .selectFrom('room')
    .select(['id', 'created_at', 'view_json'])
    .where('ended_at', 'is', null)
    .$if(!!query.search?.trim(), (rooms) => rooms.where('search', 'like', pattern(query.search!)))
    .$if(after !== null, (rooms) =>
      rooms.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('created_at', 'id'), '<', tuple(after!.createdAt, after!.id)),
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rooms: page.map((row) => viewOf(row, publicUrl())),
    nextCursor: rows.length > limit && last ? `${last.created_at}.${last.id}` : null,
    eventCursor: String(seq),
  }
}

const pattern = (search: string) =>
  `%${search
    .trim()
    .toLowerCase()
    .replace(/[\\%_]/g, '\\$&')}%`

const placeOf = (cursor: string) => {
  const match = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor)
  if (!match) throw apiError('bad-request', 'Not a cursor of this list.', { field: 'cursor' })
  return { createdAt: Number(match[1]), id: match[2]! }
}

const createRoom = async (context: RoomContext, { body, caller }: Call<'createRoom'>) => {
  const { rooms, settings, randomBytes, now } = context
  const id = randomId(randomBytes)
  const hosts = await hostsOf(context, caller, body.cohosts ?? [])
  await rooms.open(openRoom(body, hosts, { id, mediaName: randomId(randomBytes), now: now() }), (live) => {
    if (live >= settings.roomsPerAccount)
      throw apiError('not-allowed', `You have ${live} live rooms, the most there may be; end one first.`)
  })
  return showRoom(context, id)
}

/** The creator, the named co-hosts, and the owner of a bot that opens a room. */
const hostsOf = async ({ store }: RoomContext, caller: Caller, cohosts: string[]): Promise<Host[]> => {
  const handles = [...new Set(cohosts.map((handle) => handle.replace(/^@/, '').toLowerCase()))]
  const creator = { accountId: caller.account.id, name: caller.account.name, handle: caller.account.handle }
  const found = await store.db
    .selectFrom('account')
    .select(['id', 'name', 'handle'])
    .where(({ eb, and, or }) =>
      or([
        ...(handles.length > 0 ? [and([eb('handle', 'in', handles), eb('kind', '=', 'person')])] : []),
        ...(caller.ownerId ? [eb('id', '=', caller.ownerId)] : []),
        eb.lit(false),
      ]),
    )
    .execute()
  const missing = handles.filter((handle) => !found.some((person) => person.handle === handle))
  if (missing.length > 0)
    throw apiError('not-found', `No such person: ${missing.map((handle) => `@${handle}`).join(', ')}.`, {
      field: 'cohosts',
    })
  return [
    { ...creator, isCreator: true },
    ...found
      .filter((person) => person.id !== creator.accountId)
      .map(({ id, name, handle }) => ({ accountId: id, name, handle, isCreator: false })),
  ]
}
