import { apiError } from '../../protocol/errors.ts'
import type { Role } from '../../protocol/rooms.ts'
import {
  changeMember,
  changeMembers,
  isHere,
  isHosting,
  isKept,
  keyOf,
  type LeftReason,
  type Member,
  type Person,
  type RoomState,
} from './room-state.ts'
import { closeRoom, requireLive } from './rooms.ts'
import { isBanned } from './stage.ts'

export type JoinRequest = { seatId: string; recording: boolean }

/**
 * Joins, resumes (the same seat, with role, hand and mute intent) or replaces (another seat of the same person: a new
 * media identity takes over role and hand, the old seat is out). `newId` becomes the media identity of a new seat;
 * the member who is in is the one with the seat.
 */
export const joinRoom = (
  state: RoomState,
  person: Person,
  request: JoinRequest,
  { now, newId, maxParticipants }: { now: number; newId: string; maxParticipants: number },
): RoomState => {
  requireLive(state)
  if (isBanned(state, person)) throw apiError('kicked', 'A moderator removed you from this room.')
  if (request.recording && state.recording === 'off')
    throw apiError('recording-off', 'This room does not allow recording.')
  const here = state.members.find(
    (member) => isHere(member) && member.kind === person.kind && keyOf(member) === keyOf(person),
  )
  const isOthers = (member: Member) => isHere(member) && member.seatId === request.seatId && member !== here
  if (state.members.some((member) => isOthers(member) && member.accountId === person.accountId))
    throw apiError('conflict', 'This seat is in the room under another name; give each its own seatId.')
  const arrival = arrivalOf(person, request, now)
  if (here?.seatId === request.seatId) return changeMember(state, here.id, arrival)
  if (here) return replace(state, here, { ...here, ...arrival, id: newId, isMuted: true, joinedAt: now, playing: null })
  if (state.members.filter(isHere).length >= maxParticipants) throw apiError('room-full', 'This room is full.')
  return enter(state, person, { ...newcomer(person, now), ...arrival, id: newId })
}

/**
 * Leaves on purpose. When no other moderator is in the room, or held for one that was cut off, that ends it (R19).
 * The companions of the account go along: it receives nothing more, on any device (R1).
 */
export const leaveRoom = (state: RoomState, memberId: string, now: number): RoomState => {
  const member = state.members.find((candidate) => candidate.id === memberId)!
  const left = removeAccount(state, member, 'left', now)
  const isLast = isHosting(state, member) && !left.members.some((other) => isHosting(left, other))
  return isLast && !isKept(state, now) ? closeRoom(left, member.name, now) : left
}

/** A session or token was revoked: its seats are out (R1). Not on purpose: the room waits for its moderator. */
export const signOut = (state: RoomState, which: (member: Member) => boolean, now: number): RoomState =>
  state.members
    .filter((member) => member.left === null && which(member))
    .reduce((next, member) => removeAccount(next, member, 'signed-out', now), state)

/** The media server is gone and nobody is heard: all are away until they join again, wherever the room is then. */
export const loseMedia = (state: RoomState, now: number): RoomState =>
  changeMembers(state, (member) => member.kind !== 'companion' && member.left === null && member.awayAt === null, {
    awayAt: now,
  })

export type PresenceLimits = {
  /** Without a heartbeat for so long: away. */
  awayMs: number
  /** Away for so long: lost. */
  holdMs: number
  /** A room where nobody is, or never was, ends after so long. */
  emptyRoomMs: number
  /** A companion's token that nobody used is void after so long. */
  companionMs: number
}

/** What time alone does to a room (R19, R20). */
export const sweepRoom = (state: RoomState, now: number, limits: PresenceLimits): RoomState => {
  if (state.ended) return state
  if (!isKept(state, now) && isAbandoned(state, now, limits)) return closeRoom(state, null, now)
  return changeMembers(
    // Whoever moderates when the session's time is over goes on in an ordinary room.
    state.session && !isKept(state, now) ? { ...state, session: null } : state,
    (member) => member.left === null && Object.keys(overdue(member, now, limits)).length > 0,
    (member) => overdue(member, now, limits),
  )
}

const isAbandoned = (state: RoomState, now: number, { emptyRoomMs }: PresenceLimits): boolean =>
  (state.session !== null && !state.members.some((member) => isHosting(state, member))) ||
  (state.awaited !== null && state.awaited.until <= now) ||
  (state.emptySince !== null && state.emptySince + emptyRoomMs <= now)

const overdue = (member: Member, now: number, limits: PresenceLimits): Partial<Member> => {
  if (member.kind === 'companion')
    return member.isListed || member.lastSeenAt + limits.companionMs > now ? {} : { left: out(now, 'left') }
  if (member.awayAt !== null && member.awayAt + limits.holdMs <= now)
    return { left: out(now, 'lost'), hand: null, invitation: null, isRecording: false }
  return {
    ...(member.awayAt === null && member.lastSeenAt + limits.awayMs <= now ? { awayAt: now } : {}),
    ...(member.invitation && member.invitation.expiresAt <= now ? { invitation: null } : {}),
  }
}

/** A companion's grant; it is in the roster once the media server tells that it has come. */
export const grantCompanion = (
  state: RoomState,
  person: Person,
  { now, newId, maxCompanions }: { now: number; newId: string; maxCompanions: number },
): RoomState => {
  requireLive(state)
  if (isBanned(state, person)) throw apiError('kicked', 'A moderator removed you from this room.')
  const standing = state.members.filter(
    (member) => member.kind === 'companion' && member.left === null && member.accountId === person.accountId,
  )
  if (standing.length >= maxCompanions)
    throw apiError('conflict', `You have ${standing.length} companion seats in this room, the most there may be.`)
  const companion: Member = {
    ...newcomer(person, now),
    id: newId,
    kind: 'companion',
    name: `${person.name} (companion)`,
    seatId: null,
    isListed: false,
  }
  return { ...state, members: [...state.members, companion] }
}

/** Which companions are connected, as the media server says. */
export const listCompanions = (state: RoomState, connected: ReadonlySet<string>, now: number): RoomState =>
  changeMembers(
    state,
    (member) => member.kind === 'companion' && member.left === null && connected.has(member.id) !== member.isListed,
    (member) => ({ isListed: !member.isListed, lastSeenAt: now, ...(member.isListed ? {} : { joinedAt: now }) }),
  )

const arrivalOf = (person: Person, request: JoinRequest, now: number) => ({
  seatId: request.seatId,
  isRecording: request.recording,
  sessionId: person.sessionId,
  tokenId: person.tokenId,
  lastSeenAt: now,
  awayAt: null,
})

const newcomer = (person: Person, now: number): Member => ({
  ...person,
  id: '',
  role: 'listener',
  mutedByModerator: false,
  seatId: null,
  isMuted: true,
  isRecording: false,
  isListed: true,
  joinedAt: now,
  stageAt: null,
  lastSeenAt: now,
  awayAt: null,
  hand: null,
  invitation: null,
  playing: null,
  left: null,
})

const enter = (state: RoomState, person: Person, member: Member): RoomState => {
  const role = roleAtEntry(state, person)
  const isOnStage = role !== 'listener'
  const entered = {
    ...member,
    role,
    stageAt: isOnStage ? member.joinedAt : null,
    mutedByModerator: isOnStage && state.muted.includes(keyOf(person)),
  }
  return { ...state, members: [...state.members, entered] }
}

/** Hosts, bots among them, and the moderator who is waited for come as moderators; other bots speak where their owner moderates. */
const roleAtEntry = (state: RoomState, person: Person): Role => {
  const isHost = (accountId: string | null) => state.hosts.some((host) => host.accountId === accountId)
  if (person.kind === 'person')
    return isHost(person.accountId) || state.awaited?.people.some(({ accountId }) => accountId === person.accountId)
      ? 'moderator'
      : 'listener'
  if (isHost(person.accountId)) return 'moderator'
  const owner = state.members.find(
    (member) => isHere(member) && member.kind === 'person' && member.accountId === person.ownerId,
  )
  const ownerModerates = owner ? owner.role === 'moderator' : isHost(person.ownerId)
  return ownerModerates ? 'speaker' : 'listener'
}

const replace = (state: RoomState, old: Member, successor: Member): RoomState => {
  const left = changeMember(state, old.id, {
    left: out(successor.joinedAt, 'replaced'),
    hand: null,
    invitation: null,
    isRecording: false,
  })
  return { ...left, members: [...left.members, successor] }
}

const removeAccount = (state: RoomState, member: Member, reason: LeftReason, now: number): RoomState =>
  changeMembers(
    state,
    (other) =>
      other.left === null &&
      (other.id === member.id || (other.kind === 'companion' && other.accountId === member.accountId)),
    { left: out(now, reason), hand: null, invitation: null, isRecording: false },
  )

const out = (at: number, reason: LeftReason) => ({ at, reason, by: null })
