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
