import { type ApiError, apiError } from '../../protocol/errors.ts'
import type { StageAction } from '../../protocol/rooms.ts'
import {
  changeMember,
  changeMembers,
  isHere,
  isHosting,
  isOnStage,
  keyOf,
  type Member,
  type Person,
  type RoomState,
} from './room-state.ts'
import { requireLive, requireModerator } from './rooms.ts'

type Context = { now: number; invitationMs: number }

/** What a moderator does to somebody in the room (F18, F19); `targetId` is a participant id. */
export const actOnStage = (
  state: RoomState,
  actor: Person,
  action: StageAction,
  targetId: string,
  context: Context,
): RoomState => {
  requireModerator(state, actor)
  const target = state.members.find((member) => member.id === targetId && isHere(member))
  if (!target) throw apiError('not-found', 'No such participant in this room.')
  if (target.kind === 'companion' && action !== 'kick')
    throw apiError('conflict', `${target.name} follows its owner; act on the owner.`)
  return actions[action](state, target, actor, context)
}

export const acceptInvitation = (state: RoomState, memberId: string, now: number): RoomState => {
  requireLive(state)
  const member = invited(state, memberId, now)
  return putOnStage(state, member, now)
}

/** The hand, if up, keeps its place. */
export const declineInvitation = (state: RoomState, memberId: string, now: number): RoomState => {
  requireLive(state)
  return changeMember(state, invited(state, memberId, now).id, { invitation: null })
}

export const stepDown = (state: RoomState, memberId: string): RoomState => {
  requireLive(state)
  const member = state.members.find((candidate) => candidate.id === memberId)!
  if (!isOnStage(member)) throw apiError('conflict', 'You are not on stage.')
  if (isLastModerator(state, member))
    throw apiError('conflict', 'You are the last moderator: make somebody else one first, or end the room.')
  return takeOffStage(state, member)
}

/** Out of the room for as long as it lives, with companions, and bots owned (R1). */
export const isBanned = (state: RoomState, person: Pick<Person, 'accountId' | 'ownerId' | 'name' | 'kind'>): boolean =>
  [keyOf(person), person.accountId, person.ownerId].some((key) => key !== null && state.kicked.includes(key))

type Action = (state: RoomState, target: Member, actor: Person, context: Context) => RoomState

const actions: Record<StageAction, Action> = {
  invite: (state, target, actor, { now, invitationMs }) => {
    requireListener(target)
    return changeMember(state, target.id, { invitation: { by: actor.name, expiresAt: now + invitationMs } })
  },
  admit: (state, target, _actor, { now }) => {
    requireListener(target)
    if (!target.hand) throw apiError('conflict', `${target.name} has no hand up; invite instead.`)
    return putOnStage(state, target, now)
  },
  lower: (state, target) => changeMember(state, target.id, { hand: null }),
  mute: (state, target) => {
    requireStage(target)
    const muted = [...state.muted.filter((key) => key !== keyOf(target)), keyOf(target)]
    return changeMember({ ...state, muted }, target.id, { mutedByModerator: true, isMuted: true })
  },
  allow: (state, target, actor) => {
    requireStage(target)
    if (isSelf(target, actor) && !isCreator(state, target))
      throw apiError('not-allowed', 'Another moderator has to allow you to speak again.')
    return allow(state, target)
  },
  demote: (state, target, actor) => {
    requireStage(target)
    requireNotCreator(state, target, actor, 'moved off the stage')
    if (isLastModerator(state, target)) throw apiError('conflict', `${target.name} is the last moderator.`)
    const hosts = isSelf(target, actor)
      ? state.hosts
      : state.hosts.filter((host) => host.isCreator || host.accountId !== target.accountId)
    return takeOffStage({ ...state, hosts }, target)
  },
  kick: (state, target, actor, { now }) => {
    if (isSelf(target, actor)) throw apiError('conflict', 'You cannot remove yourself; leave instead.')
    requireNotCreator(state, target, actor, 'removed')
    return kick(state, target, actor, now)
  },
  moderator: (state, target) => {
    if (target.role !== 'speaker')
      throw apiError('conflict', target.role === 'moderator' ? already(target) : `${target.name} is not on stage.`)
    return allow(changeMember(state, target.id, { role: 'moderator' }), target)
  },
}

const putOnStage = (state: RoomState, member: Member, now: number): RoomState =>
  allow(
    changeMember(state, member.id, { role: 'speaker', stageAt: now, hand: null, invitation: null, isMuted: true }),
    member,
  )

const takeOffStage = (state: RoomState, member: Member): RoomState =>
  allow(
    changeMember(state, member.id, { role: 'listener', stageAt: null, hand: null, invitation: null, isMuted: true }),
    member,
  )

/** Gives the publish right back; nobody but its owner opens the microphone. */
const allow = (state: RoomState, member: Member): RoomState =>
  changeMember({ ...state, muted: state.muted.filter((key) => key !== keyOf(member)) }, member.id, {
    mutedByModerator: false,
  })

/** A companion is its owner's: both go. One name of a bot goes alone; a person takes along the bots that are theirs. */
const kick = (state: RoomState, target: Member, actor: Person, now: number): RoomState => {
  const key = keyOf(target)
  const goes = (member: Member) =>
    isHere(member) || member.kind === 'companion'
      ? target.kind === 'bot'
        ? member.id === target.id || (member.kind === 'companion' && member.accountId === target.accountId)
        : member.accountId === target.accountId || member.ownerId === target.accountId
      : false
  return changeMembers(
    {
      ...state,
      kicked: [...state.kicked, key],
      hosts: state.hosts.filter((host) => host.isCreator || host.accountId !== target.accountId),
    },
    (member) => member.left === null && goes(member),
    { left: { at: now, reason: 'kicked', by: actor.name }, hand: null, invitation: null, isRecording: false },
  )
}

const invited = (state: RoomState, memberId: string, now: number): Member => {
  const member = state.members.find((candidate) => candidate.id === memberId)!
  if (!member.invitation || member.invitation.expiresAt <= now)
    throw apiError('conflict', 'There is no invitation to speak, or it has expired.')
  return member
}

const isLastModerator = (state: RoomState, member: Member) =>
  isHosting(state, member) && !state.members.some((other) => other !== member && isHosting(state, other))

const isSelf = (target: Member, actor: Person) =>
  target.accountId === actor.accountId && (target.kind !== 'bot' || keyOf(target) === keyOf(actor))

/** A bot that opened a room is removed like anybody: it is a moderator's way to stop it. */
const isCreator = (state: RoomState, target: Member) =>
  target.kind !== 'bot' && state.hosts.some((host) => host.isCreator && host.accountId === target.accountId)

const requireNotCreator = (state: RoomState, target: Member, actor: Person, what: string) => {
  if (isCreator(state, target) && target.accountId !== actor.accountId)
    throw apiError('not-allowed', `${target.name} opened this room and cannot be ${what}.`)
}

const requireListener = (target: Member) => {
  if (isOnStage(target)) throw onStageAlready(target)
}
const requireStage = (target: Member) => {
  if (!isOnStage(target)) throw apiError('conflict', `${target.name} is not on stage.`)
}
const onStageAlready = (target: Member): ApiError => apiError('conflict', `${target.name} is on stage already.`)
const already = (target: Member) => `${target.name} is a moderator already.`
