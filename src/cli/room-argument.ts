import type { Api } from '../client/api.ts'
import type { ListRooms, Room } from '../protocol/rooms.ts'
import type { Context, ServerChoice } from './context.ts'
import { failure } from './failure.ts'

export type ResolvedRoom = { server: ServerChoice; api: Api; room: Room }

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * A ROOM as typed: an id, a link (which names its server), a unique beginning of an id (4 characters or more), or the
 * exact title of just one live room. Codes: `not-found`, or `bad-input` where several fit.
 */
export const resolveRoom = async (context: Context, text: string): Promise<ResolvedRoom> => {
  const link = linkOf(text)
  const server = link ? await context.serverAt(link.origin) : await context.server()
  const api = await context.api(server)
  const id = link?.id ?? (uuid.test(text) ? text : undefined)
  if (id !== undefined) {
    if (!uuid.test(id)) throw failure('not-found', 'that link names no room')
    return { server, api, room: await api.call('showRoom', { params: { roomId: id.toLowerCase() } }) }
  }
  return { server, api, room: await findRoom(api, text) }
}

/** Every live room that fits the search, page by page. */
export const allRooms = async (
  api: Api,
  narrowed: Pick<ListRooms, 'search' | 'topic' | 'language'> = {},
): Promise<{ rooms: Room[]; eventCursor: string }> => {
  const rooms: Room[] = []
  let first: string | undefined
  let cursor: string | undefined
  do {
    const page = await api.call('listRooms', { query: { ...narrowed, cursor, limit: 100 } })
    rooms.push(...page.rooms)
    first ??= page.eventCursor
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return { rooms, eventCursor: first }
}

const findRoom = async (api: Api, text: string): Promise<Room> => {
  const titled = (await allRooms(api, { search: text.slice(0, 80) })).rooms.filter(({ title }) => title === text)
  if (titled.length === 1) return titled[0]!
  if (titled.length > 1)
    throw failure('bad-input', `${titled.length} live rooms are called "${text}": ${idsOf(titled)}`)
  if (!/^[0-9a-f-]{4,36}$/i.test(text)) throw failure('not-found', `there is no live room "${text}"`)
  const begun = (await allRooms(api)).rooms.filter(({ id }) => id.startsWith(text.toLowerCase()))
  if (begun.length === 1) return begun[0]!
  if (begun.length > 1) throw failure('bad-input', `${begun.length} live rooms begin with "${text}": ${idsOf(begun)}`)
  throw failure('not-found', `there is no live room "${text}"`)
}

const idsOf = (rooms: Room[]): string =>
  rooms
    .slice(0, 5)
    .map(({ id, title }) => `${id.slice(0, 13)} (${title})`)
    .join(', ')

const linkOf = (text: string): { origin: string; id: string } | undefined => {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return { origin: url.origin, id: /^\/r\/([^/]+)\/?$/.exec(url.pathname)?.[1] ?? '' }
}
