import { apiError } from '../../protocol/errors.ts'
import type { CreateRoom, EditRoom } from '../../protocol/rooms.ts'
import { type Host, isHere, isHosting, type Person, type RoomState } from './room-state.ts'

/** A room as it begins: its creator and co-hosts are moderators before anybody has joined (F14, F15). */
export const openRoom = (
  request: CreateRoom,
  hosts: readonly Host[],
  {
    id,
    mediaName,
    now,
    session = null,
  }: { id: string; mediaName: string; now: number; session?: RoomState['session'] },
): RoomState => ({
  id,
  mediaName,
  title: request.title,
  topic: request.topic ?? null,
  language: request.language ?? null,
  sound: request.sound ?? 'voice',
  hands: request.hands ?? (request.handsList ? 'list' : 'everyone'),
  handsList: handlesOf(request.handsList ?? []),
  recording: request.recording ?? 'off',
  createdAt: now,
  ended: null,
  hosts,
  kicked: [],
  muted: [],
  awaited: null,
  emptySince: now,
  session,
  members: [],
})

/** Handles as they are stored, each once. */
export const handlesOf = (typed: readonly string[]): string[] => [
  ...new Set(typed.map((handle) => handle.replace(/^@/, '').toLowerCase())),
]

/**
 * Whether `person` may use the rights of a moderator: by the role in the room, or from outside as its creator or
 * co-host. A bot account that opened the room may, whatever role its names have.
 */
export const isModerator = (state: RoomState, person: Pick<Person, 'accountId' | 'kind'>): boolean => {
  const seats = state.members.filter(
    (member) => isHere(member) && member.kind === person.kind && member.accountId === person.accountId,
  )
  if (seats.some((member) => member.role === 'moderator')) return true
  const isHost = state.hosts.some((host) => host.accountId === person.accountId)
  return isHost && (person.kind === 'bot' || seats.length === 0)
}

export const requireLive = (state: RoomState): void => {
  if (state.ended) throw apiError('room-ended', 'This room has ended.')
}

export const requireModerator = (state: RoomState, person: Pick<Person, 'accountId' | 'kind'>): void => {
  requireLive(state)
  if (!isModerator(state, person)) throw apiError('not-allowed', 'Only a moderator of this room may do that.')
}

export const editRoom = (state: RoomState, person: Person, edit: EditRoom): RoomState => {
  requireModerator(state, person)
  if (edit.recording === 'off' && state.members.some((member) => isHere(member) && member.isRecording))
    throw apiError('conflict', 'Somebody is recording this room; recording can be turned off once they have left.')
  const { handsList, ...rest } = edit
  return { ...state, ...rest, ...(handsList && { handsList: handlesOf(handsList) }) }
}

export const endRoom = (state: RoomState, person: Person, now: number): RoomState => {
  requireModerator(state, person)
  return closeRoom(state, person.name, now)
}

/** Everybody is out, hands and questions are forgotten (F22). */
export const closeRoom = (state: RoomState, by: string | null, now: number): RoomState => ({
  ...state,
  ended: { at: now, by },
  awaited: null,
  members: state.members.map((member) =>
    member.left
      ? member
      : {
          ...member,
          hand: null,
          invitation: null,
          isRecording: false,
          left: { at: now, reason: 'room-ended' as const, by },
        },
  ),
})

/**
 * What follows from a change for everybody else, whatever the change was: companions follow their owners, the room
 * waits for lost moderators (R19), and knows since when it is empty.
 */
export const settleRoom = (
  before: RoomState,
  changed: RoomState,
  { now, lostModeratorMs }: { now: number; lostModeratorMs: number },
): RoomState => {
  if (changed.ended) return changed
  const state = followOwners(changed)
  const isEmpty = !state.members.some(isHere)
  return {
    ...state,
    awaited: awaitedOf(before, state, Math.max(now + lostModeratorMs, state.session?.closesAt ?? 0)),
    emptySince: isEmpty ? (state.emptySince ?? now) : null,
  }
}

/** A companion publishes only while its owner is here and on stage. */
const followOwners = (state: RoomState): RoomState => {
  const members = state.members.map((member) => {
    if (member.kind !== 'companion' || member.left) return member
    const owner = state.members.find(
      (other) =>
        other.kind !== 'companion' && isHere(other) && other.awayAt === null && other.accountId === member.accountId,
    )
    const role = owner && owner.role !== 'listener' ? ('speaker' as const) : ('listener' as const)
    const mutedByModerator = role === 'speaker' && owner!.mutedByModerator
    if (member.role === role && member.mutedByModerator === mutedByModerator) return member
    return { ...member, role, mutedByModerator, stageAt: role === 'speaker' ? (owner?.stageAt ?? null) : null }
  })
  return members.some((member, index) => member !== state.members[index]) ? { ...state, members } : state
}

const awaitedOf = (before: RoomState, state: RoomState, until: number): RoomState['awaited'] => {
  const moderators = state.members.filter((member) => isHosting(state, member))
  if (moderators.some((member) => member.awayAt === null)) return null
  const lost = state.members.filter(
    (member) =>
      (member.left?.reason === 'lost' || member.left?.reason === 'signed-out') &&
      before.members.some((was) => was.id === member.id && isHosting(before, was)),
  )
  const people = new Map(state.awaited?.people.map((person) => [person.accountId, person]))
  for (const { accountId, name } of [...moderators, ...lost]) people.set(accountId, { accountId, name })
  for (const key of state.kicked) people.delete(key)
  if (people.size === 0) return null
  if (state.awaited && people.size === state.awaited.people.length) return state.awaited
  return { people: [...people.values()], until: state.awaited?.until ?? until }
}
