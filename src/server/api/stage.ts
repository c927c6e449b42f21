import { apiError } from '../../protocol/errors.ts'
import type { StageAction } from '../../protocol/rooms.ts'
import { stageActions } from '../../protocol/stage-actions.ts'
import type { Caller, Handlers } from '../call.ts'
import { lowerHand, raiseHand } from '../domain/hands.ts'
import { handsOf, type RoomState } from '../domain/room-state.ts'
import { requireModerator } from '../domain/rooms.ts'
import { acceptInvitation, actOnStage, declineInvitation, stepDown } from '../domain/stage.ts'
import { participantNamed, seatOf } from '../live-rooms.ts'
import { personOf, type RoomContext } from '../room-context.ts'
import { loadRoom } from '../room-store.ts'
import { absence } from './seats.ts'

type StageRoutes =
  | 'raiseHand'
  | 'lowerHand'
  | 'acceptInvitation'
  | 'declineInvitation'
  | 'stepDown'
  | 'listHands'
  | 'stage'

export const stageHandlers = (context: RoomContext): Pick<Handlers, StageRoutes> => {
  const { rooms, store, settings } = context
  const bySeat = async (
    { params, body, caller }: { params: { roomId: string }; body: { seatId: string }; caller: Caller },
    rule: (state: RoomState, memberId: string, now: number) => RoomState,
  ) => {
    await rooms
      .change(params.roomId, (state, now) => {
        const { id } = seatOf(state, caller.account.id, body.seatId)
        return { next: rule(state, id, now), actorId: id }
      })
      .catch(absence(context, params.roomId, caller, body.seatId))
  }
  return {
    raiseHand: (call) =>
      bySeat(call, (state, id, now) =>
        raiseHand(state, id, call.body.question ?? null, { now, maxHands: settings.handsPerRoom }),
      ),
    lowerHand: (call) => bySeat(call, lowerHand),
    acceptInvitation: (call) => bySeat(call, acceptInvitation),
    declineInvitation: (call) => bySeat(call, declineInvitation),
    stepDown: (call) => bySeat(call, stepDown),
    listHands: async ({ params, caller }) => {
      const state = await loadRoom(store.db, params.roomId)
      requireModerator(state, personOf(caller))
      return { hands: handsOf(state) }
    },
    stage: async ({ params, caller }) => {
      const { action, roomId } = params
      if (!isStageAction(action))
        throw apiError('bad-request', `No such action; there are ${stageActions.join(', ')}.`, { field: 'action' })
      await rooms.change(roomId, (state, now) => {
        requireModerator(state, personOf(caller))
        const target = participantNamed(state, params.who)
        const limits = { now, invitationMs: settings.invitationMs }
        return { next: actOnStage(state, personOf(caller), action, target.id, limits) }
      })
    },
  }
}

const isStageAction = (action: string): action is StageAction => (stageActions as readonly string[]).includes(action)
