import { handleSchema } from '../../protocol/accounts.ts'
import { apiError } from '../../protocol/errors.ts'
import type { ListRooms, Rooms } from '../../protocol/rooms.ts'
import { cleanLine } from '../../protocol/text.ts'
import type { Call, Caller, Handlers } from '../call.ts'
import { randomId } from '../domain/random.ts'
import { type Host, rosterOf } from '../domain/room-state.ts'
import { editRoom, endRoom, handlesOf, isModerator, openRoom, requireLive } from '../domain/rooms.ts'
import { hallway, topicState } from '../event-log.ts'
import { notInRoom } from '../live-rooms.ts'
import { isInRoom, personOf, type RoomContext } from '../room-context.ts'
import { loadRoom, viewOf } from '../room-store.ts'
import { claimOf } from './occurrences.ts'

type RoomRoutes = 'listRooms' | 'createRoom' | 'showRoom' | 'editRoom' | 'endRoom' | 'listParticipants'

export const roomHandlers = (context: RoomContext): Pick<Handlers, RoomRoutes> => {
  const { rooms, store } = context
  return {
    listRooms: ({ query }) => listRooms(context, query),
    createRoom: (call) => createRoom(context, call),
    showRoom: ({ params }) => showRoom(context, params.roomId),
    editRoom: async ({ params, body, caller }) => {
      await peopleCalled(context, body.handsList ?? [], 'handsList')
      await rooms.change(params.roomId, (state) => ({ next: editRoom(state, personOf(caller), body) }))
      return showRoom(context, params.roomId)
    },
    endRoom: async ({ params, caller }) => {
      await rooms.change(params.roomId, (state, at) => ({ next: endRoom(state, personOf(caller), at) }))
    },
    listParticipants: async ({ params, caller }) => {
      const state = await loadRoom(store.db, params.roomId)
      requireLive(state)
      if (!isInRoom(state, caller) && !isModerator(state, personOf(caller))) throw notInRoom()
      return { participants: rosterOf(state) }
    },
  }
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
  // Titles and names are stored cleaned; what the store could not take, such as NUL, goes too.
  const search = cleanLine(query.search ?? '')
  // Before the rooms: what changes in between is told again rather than missed.
  const { seq } = (await topicState(store.db, hallway))!
  const rows = await store.db
    .selectFrom('room')
    .select(['id', 'created_at', 'view_json'])
    .where('ended_at', 'is', null)
    .$if(search !== '', (rooms) => rooms.where('search', 'like', pattern(search)))
    .$if(query.topic !== undefined, (rooms) =>
      rooms.where(({ fn }) => fn('lower', ['topic']), '=', cleanLine(query.topic!).toLowerCase()),
    )
    .$if(query.language !== undefined, (rooms) =>
      rooms.where(({ eb, or }) =>
        or([eb('language', '=', query.language!), eb('language', 'like', `${query.language}-%`)]),
      ),
    )
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

const pattern = (search: string) => `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/

const placeOf = (cursor: string) => {
  const match = /^(\d{1,15})\.(.+)$/.exec(cursor)
  if (!match || !uuid.test(match[2]!)) throw apiError('bad-request', 'Not a cursor of this list.', { field: 'cursor' })
  return { createdAt: Number(match[1]), id: match[2]! }
}

const createRoom = async (context: RoomContext, { body, caller }: Call<'createRoom'>) => {
  const { rooms, settings, randomBytes, now } = context
  const id = randomId(randomBytes)
  const hosts = await hostsOf(context, caller, body.cohosts ?? [])
  await peopleCalled(context, body.handsList ?? [], 'handsList')
  const claim = body.occurrence && (await claimOf(context, caller, body.occurrence))
  const state = openRoom(body, hosts, { id, mediaName: randomId(randomBytes), now: now(), session: claim?.session })
  const allowed = (live: number) => {
    if (live >= settings.roomsPerAccount)
      throw apiError('not-allowed', `You have ${live} live rooms, the most there may be; end one first.`)
  }
  const opened = await rooms.open(state, allowed, claim && ((trx) => claim.claim(trx, id)))
  claim?.tell()
  const room = await showRoom(context, opened)
  if (room.endedAt !== null) throw apiError('room-ended', 'The room of this session has ended.')
  return room
}

/** The creator, the named co-hosts, and the owner of a bot that opens a room. */
const hostsOf = async (context: RoomContext, { account, ownerId }: Caller, cohosts: string[]): Promise<Host[]> => {
  const creator = { accountId: account.id, name: account.name, handle: account.handle }
  const owner = ownerId === null ? [] : await accounts(context).where('id', '=', ownerId).execute()
  const others = [...owner, ...(await peopleCalled(context, cohosts, 'cohosts'))]
  const hosts = new Map<string, Host>([[creator.accountId, { ...creator, isCreator: true }]])
  for (const { id, name, handle } of others)
    if (!hosts.has(id)) hosts.set(id, { accountId: id, name, handle, isCreator: false })
  return [...hosts.values()]
}

/** The people of these handles; `not-found` names those that are nobody's. */
const peopleCalled = async (context: RoomContext, typed: string[], field: string) => {
  const handles = handlesOf(typed)
  const possible = handles.filter((handle) => handleSchema.safeParse(handle).success)
  const found =
    possible.length === 0
      ? []
      : await accounts(context).where('handle', 'in', possible).where('kind', '=', 'person').execute()
  const missing = handles.filter((handle) => !found.some((person) => person.handle === handle))
  if (missing.length > 0)
    throw apiError('not-found', `No such person: ${missing.map((handle) => `@${handle}`).join(', ')}.`, { field })
  return found
}

const accounts = ({ store }: RoomContext) => store.db.selectFrom('account').select(['id', 'name', 'handle'])
