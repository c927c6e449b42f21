import { apiError } from '../../protocol/errors.ts'
import type { Playing } from '../../protocol/program.ts'
import { changeMember, type Member, type Person, type RoomState } from './room-state.ts'
import { requireLive, requireModerator } from './rooms.ts'

/** What a bot plays is for all to see; a person plays nothing. */
export const setPlaying = (state: RoomState, memberId: string, playing: Playing | null): RoomState => {
  requireLive(state)
  const member = state.members.find((candidate) => candidate.id === memberId)!
  if (member.kind !== 'bot') throw apiError('not-allowed', 'Only a bot says what it plays.')
  const isSame = JSON.stringify(member.playing) === JSON.stringify(playing)
  return isSame ? state : changeMember(state, memberId, { playing })
}

/** Whether `actor` may command the program of `target`, and it can hear that. */
export const requireCommandable = (state: RoomState, actor: Person, target: Member): void => {
  requireModerator(state, actor)
  if (target.kind !== 'bot') throw apiError('conflict', `${target.name} is no bot and has no program.`)
  if (target.awayAt !== null) throw apiError('conflict', `${target.name} is cut off and cannot be reached now.`)
}
