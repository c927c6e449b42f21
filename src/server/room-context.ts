import { apiError } from '../protocol/errors.ts'
import type { Caller } from './call.ts'
import type { Cluster } from './cluster.ts'
import type { Deps } from './deps.ts'
import type { Person, RoomState } from './domain/room-state.ts'
import type { EventFeeds } from './events.ts'
import { type LiveRooms, notInRoom } from './live-rooms.ts'
import type { Media } from './media.ts'

/** What the handlers of rooms are made of. */
export type RoomContext = Deps & {
  rooms: LiveRooms
  feeds: EventFeeds
  media: Deps['media']
  mediaServer: Media
  cluster: Cluster
  /** Heartbeats not yet stored: participant id to instant. */
  seen: Map<string, number>
}

/** `name` is a bot's, for this seat. */
export const personOf = ({ account, ownerId, sessionId, tokenId }: Caller, name?: string): Person => ({
  accountId: account.id,
  ownerId,
  kind: account.kind,
  name: account.kind === 'bot' && name !== undefined ? name : account.name,
  handle: account.handle,
  sessionId,
  tokenId,
})

/** Is `caller` in the room, by any seat? */
export const isInRoom = (state: RoomState, { account }: Caller): boolean =>
  state.members.some((member) => member.accountId === account.id && member.kind !== 'companion')

/** A random UUID, version 4 (RFC 9562), from the server's source of randomness: 122 random bits (R9). */
export const randomId = (randomBytes: Deps['randomBytes']): string => {
  const bytes = randomBytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Why a seat is not in a room any more: the error its calls are answered with. */
export const explainAbsence = async (
  { store }: Pick<Deps, 'store'>,
  roomId: string,
  accountId: string,
  seatId: string | undefined,
) => {
  const seat = await store.db
    .selectFrom('participant')
    .select('left_reason')
    .where('room_id', '=', roomId)
    .where('account_id', '=', accountId)
    .$if(seatId !== undefined, (query) => query.where('seat_id', '=', seatId!))
    .orderBy('left_at', 'desc')
    .executeTakeFirst()
  if (seat?.left_reason === 'replaced') return apiError('seat-replaced', 'Another seat of yours took over this room.')
  if (seat?.left_reason === 'kicked') return apiError('kicked', 'A moderator removed you from this room.')
  if (seat?.left_reason === 'room-ended') return apiError('room-ended', 'This room has ended.')
  const room = seat ?? (await store.db.selectFrom('room').select('id').where('id', '=', roomId).executeTakeFirst())
  return room ? notInRoom() : apiError('not-found', 'No such room.')
}
