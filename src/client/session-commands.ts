import { apiError } from '../protocol/errors.ts'
import type { SeatCommand, SeatParticipant, SeatState } from '../protocol/seat.ts'
import type { Api } from './api.ts'
import type { Hearing } from './hearing.ts'
import type { RoomInput } from './room-model.ts'
import { isMutedByModerator } from './room-model.ts'
import { everybody, lastingName, type Tuning } from './room-tuning.ts'
import type { SessionTarget } from './session-link.ts'

export type CommandDeps = {
  target: SessionTarget
  seatId: string
  state(): SeatState
  dispatch(input: RoomInput): void
  hearing: Hearing
  /** Somebody, or everybody, sounds otherwise from now on, in this stay and, where that is remembered, in those to come. */
  onTuned?(who: string, tuning: Tuning): Promise<void> | void
  /** Resolves when the microphone is as wished. */
  setMuted(muted: boolean): Promise<void>
  leave(): Promise<void>
}

/** Does what a person asked of the seat. `status`, `ping`, `subscribe`, `devices`, `noise`, `sound` and `detach` are the seat's affair and change nothing. */
export const runSessionCommand = async (command: SeatCommand, deps: CommandDeps): Promise<void> => {
  const { dispatch, hearing, seatId } = deps
  switch (command.verb) {
    case 'mute':
      return deps.setMuted(true)
    case 'unmute':
      return unmute(deps)
    case 'talk':
      return command.on ? unmute(deps) : deps.setMuted(true)
    case 'deafen':
    case 'undeafen':
      hearing.setDeafened(command.verb === 'deafen')
      return dispatch({ type: 'deafened', isDeafened: command.verb === 'deafen' })
    case 'volume':
      return changeVolume(command, deps)
    case 'silence':
      return tune(command.who, deps, ({ volume }) => ({ volume, isSilenced: true }))
    case 'hear':
      return tune(command.who, deps, ({ volume }) => ({ volume: volume || 100, isSilenced: false }))
    case 'leave':
      return deps.leave()
    case 'status':
    case 'ping':
    case 'subscribe':
    case 'devices':
    case 'noise':
    case 'sound':
    case 'detach':
      return
  }
  const { api, roomId } = serverOf(deps.target)
  const params = { roomId }
  const seat = { params, body: { seatId } }
  switch (command.verb) {
    case 'hand':
      return raiseHand(api, params, seatId, command.question)
    case 'lower':
      return api.call('lowerHand', seat)
    case 'accept':
      return api.call('acceptInvitation', seat)
    case 'decline':
      return api.call('declineInvitation', seat)
    case 'step-down':
      return api.call('stepDown', seat)
    case 'stage':
      return api.call('stage', { params: { ...params, who: command.who, action: command.action } })
    case 'program':
      return commandProgram(api, roomId, command)
    case 'end-room':
      return api.call('endRoom', { params })
  }
}

const serverOf = (target: SessionTarget) => {
  if ('api' in target) return target
  throw apiError('not-allowed', 'This room has no roomtone server: it knows no hands, stage or moderators.')
}

const raiseHand = (api: Api, params: { roomId: string }, seatId: string, question: string | undefined) =>
  api.call('raiseHand', { params, body: question ? { seatId, question } : { seatId } })

/** Throws the bot's own reason where it does not do it. */
const commandProgram = async (
  api: Api,
  roomId: string,
  { who, command }: Extract<SeatCommand, { verb: 'program' }>,
) => {
  const answer = await api.call('commandProgram', { params: { roomId, who }, body: { command } })
  if (!answer.ok) throw Object.assign(new Error(answer.message), { code: answer.code ?? 'conflict' })
}

const unmute = async ({ state, setMuted }: CommandDeps) => {
  const seat = state()
  if (seat.you.role === 'listener') {
    const hint = seat.room.id === null ? '' : '; raise your hand first'
    throw apiError('not-allowed', `You are listening and may not speak here${hint}.`)
  }
  if (isMutedByModerator(seat))
    throw apiError('not-allowed', 'A moderator muted you; only a moderator can let you speak again.')
  if (seat.devices.microphone.status === 'none')
    throw apiError('conflict', 'This seat has no microphone; join again with one.')
  await setMuted(false)
}

const changeVolume = async ({ percent, who }: { percent: number; who?: string }, deps: CommandDeps) => {
  if (!Number.isFinite(percent) || percent < 0 || percent > 200)
    throw apiError('bad-request', 'A volume is a number from 0 to 200.', { field: 'percent' })
  const volume = Math.round(percent)
  if (who === undefined) {
    deps.dispatch({ type: 'volume', percent: volume })
    await deps.onTuned?.(everybody, { volume, isSilenced: false })
  }
  // Who asks for a volume wants to hear it.
  else await tune(who, deps, () => ({ volume, isSilenced: false }))
}

const tune = async (who: string, { state, dispatch, onTuned }: CommandDeps, change: (was: Tuning) => Tuning) => {
  const one = findParticipant(state(), who)
  const tuning = change(one)
  const name = lastingName(one)
  dispatch({ type: 'tuned', who: name, tuning })
  await onTuned?.(name, tuning)
}

const findParticipant = ({ participants }: SeatState, who: string): SeatParticipant => {
  const wanted = who.replace(/^@/, '').toLowerCase()
  const found =
    participants.find(({ id }) => id === who) ??
    participants.find(({ handle }) => handle === wanted) ??
    participants.find(({ name }) => name.toLowerCase() === wanted)
  if (!found) throw apiError('not-found', `Nobody here is called ${who}.`)
  return found
}
