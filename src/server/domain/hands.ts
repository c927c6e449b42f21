import { apiError } from '../../protocol/errors.ts'
import { changeMember, isHere, isOnStage, type RoomState } from './room-state.ts'
import { requireLive } from './rooms.ts'

/** First come, first served, one entry each; raising again replaces the question and keeps the place (F17, F20). */
export const raiseHand = (
  state: RoomState,
  memberId: string,
  question: string | null,
  { now, maxHands }: { now: number; maxHands: number },
): RoomState => {
  requireLive(state)
  const member = state.members.find((candidate) => candidate.id === memberId)!
  if (isOnStage(member)) throw apiError('conflict', 'You are on stage already.')
  if (member.hand) return changeMember(state, memberId, { hand: { ...member.hand, question } })
  if (state.hands === 'off') throw apiError('hands-off', 'This room takes no hands.')
  if (state.hands === 'list' && !state.handsList.includes(member.handle))
    throw apiError('hands-off', 'Only those on a list may raise a hand in this room.')
  const up = state.members.filter((other) => isHere(other) && other.hand)
  if (up.length >= maxHands) throw apiError('conflict', 'Too many hands are up; try again later.')
  const order = up.reduce((highest, other) => Math.max(highest, other.hand!.order), 0) + 1
  return changeMember(state, memberId, { hand: { order, raisedAt: now, question } })
}

/** A hand that is not up stays down. */
export const lowerHand = (state: RoomState, memberId: string): RoomState => {
  requireLive(state)
  return changeMember(state, memberId, { hand: null })
}
