import { apiError, isApiError } from '../../protocol/errors.ts'
import type { Call, Caller, Handlers } from '../call.ts'
import { joinRoom, leaveRoom } from '../domain/presence.ts'
import { randomId } from '../domain/random.ts'
import { handsOf, invitationView, participantView, roomView, rosterOf } from '../domain/room-state.ts'
import { seatOf } from '../live-rooms.ts'
import { mediaToken } from '../media-tokens.ts'
import { refuseSignedOut } from '../presence-clock.ts'
import { explainAbsence, personOf, type RoomContext } from '../room-context.ts'

/** Coming, staying and going (R19, R20). */
export const seatHandlers = (context: RoomContext): Pick<Handlers, 'joinRoom' | 'heartbeat' | 'leaveRoom'> => ({
  joinRoom: (call) => join(context, call),
  heartbeat: (call) => heartbeat(context, call),
  leaveRoom: async ({ params, body, caller }) => {
    await context.rooms
      .change(params.roomId, (state, now) => {
        const { id } = seatOf(state, caller.account.id, body.seatId)
        return { next: leaveRoom(state, id, now), actorId: id }
      })
      .catch(absence(context, params.roomId, caller, body.seatId))
  },
})

/** Turns `not-in-room` of a seat into what happened to it. */
export const absence =
  (context: RoomContext, roomId: string, caller: Caller, seatId: string) =>
  async (error: unknown): Promise<never> => {
    if (!isApiError(error) || error.code !== 'not-in-room') throw error
    throw await explainAbsence(context, roomId, caller.account.id, seatId)
  }

const join = async (context: RoomContext, { params, body, caller }: Call<'joinRoom'>) => {
  const { rooms, settings, mediaServer, randomBytes, publicUrl } = context
  if (body.name !== undefined && caller.account.kind === 'person')
    throw apiError('bad-request', 'Only a bot names itself when joining.', { field: 'name' })
  const person = personOf(caller, body.name)
  const request = { seatId: body.seatId, recording: body.recording ?? false }
  await refuseReplacedSeat(context, params.roomId, caller.account.id, body.seatId)
  const url = await mediaServer.openRoom(params.roomId, await mediaNameOf(context, params.roomId))
  const newId = randomId(randomBytes)
  const { after, cursor } = await rooms.change(params.roomId, (state, now) => {
    const next = joinRoom(state, person, request, { now, newId, maxParticipants: settings.participantsPerRoom })
    return { next, actorId: seatOf(next, person.accountId, body.seatId).id }
  })
  await refuseSignedOut(context, caller)
  const you = seatOf(after, person.accountId, body.seatId)
  const hands = handsOf(after)
  return {
    room: roomView(after, publicUrl()),
    you: participantView(you),
    participants: rosterOf(after),
    hands: you.role === 'moderator' ? hands : hands.filter((hand) => hand.participantId === you.id),
    invitation: invitationView(you),
    isMuted: you.isMuted,
    media: {
      url,
      token: await mediaToken(context.media, after.mediaName, you, settings.mediaTokenTtlMs),
    },
    eventCursor: String(cursor),
    heartbeatMs: settings.heartbeatMs,
  }
}

/** Costs a query; what it tells is stored by the presence clock, for all seats at once. */
const heartbeat = async ({ store, seen, now }: RoomContext, { params, body, caller }: Call<'heartbeat'>) => {
  const seat = await store.db
    .selectFrom('participant')
    .select(['id', 'is_muted', 'away_at'])
    .where('room_id', '=', params.roomId)
    .where('account_id', '=', caller.account.id)
    .where('seat_id', '=', body.seatId)
    .where('left_at', 'is', null)
    .executeTakeFirst()
  if (!seat) throw await explainAbsence({ store }, params.roomId, caller.account.id, body.seatId)
  if (seat.away_at !== null) return { status: 'away' as const }
  if (seat.is_muted !== body.isMuted)
    await store.db.updateTable('participant').set({ is_muted: body.isMuted }).where('id', '=', seat.id).execute()
  seen.set(seat.id, now())
  return { status: 'present' as const }
}

/** Of a live room: an ended one must not be made again at the media server (R5). */
const mediaNameOf = async ({ store }: RoomContext, roomId: string) => {
  const room = await store.db
    .selectFrom('room')
    .select(['media_name', 'ended_at'])
    .where('id', '=', roomId)
    .executeTakeFirst()
  if (!room) throw apiError('not-found', 'No such room.')
  if (room.ended_at !== null) throw apiError('room-ended', 'This room has ended.')
  return room.media_name
}

/** Replaced is final for a seat: its reconnect must not take the place back. */
const refuseReplacedSeat = async ({ store }: RoomContext, roomId: string, accountId: string, seatId: string) => {
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
