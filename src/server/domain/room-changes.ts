import type { RoomEvent } from '../../protocol/events.ts'
import type { Hand, Room } from '../../protocol/rooms.ts'
import {
  handsOf,
  invitationView,
  isHere,
  isOnStage,
  type Member,
  participantView,
  type RoomState,
  roomView,
} from './room-state.ts'

/** Everybody in the room, or moderators and the one named, or the one named alone. */
type Audience = { to: 'all' } | { to: 'moderators'; and: string } | { to: 'participant'; id: string }
export type RoomChange = { event: RoomEvent; audience: Audience }

/**
 * The events that tell a room what happened between two of its states. `actorId` is the participant who did it, if
 * any: lowering one's own hand is told apart from a moderator doing it.
 */
export const changesBetween = (
  before: RoomState,
  after: RoomState,
  { actorId, now, publicUrl }: { actorId: string | null; now: number; publicUrl: string },
): RoomChange[] => {
  if (after.ended)
    return before.ended
      ? []
      : [toAll({ type: 'room-ended', roomId: after.id, by: after.ended.by, at: iso(after.ended.at) })]
  const was = new Map(before.members.map((member) => [member.id, member]))
  const changed = after.members.filter((member) => member !== was.get(member.id))
  return [
    ...roomChanges(roomView(before, publicUrl), roomView(after, publicUrl)),
    ...changed.flatMap((member) => departure(was.get(member.id), member)),
    ...changed.flatMap((member) => lowered(was.get(member.id), member, actorId)),
    ...changed.flatMap((member) => closed(was.get(member.id), member, actorId, now)),
    ...changed.flatMap((member) => presence(was.get(member.id), member)),
    ...changed.flatMap((member) => invited(was.get(member.id), member)),
    ...hands(before, after),
  ]
}

/** Who is on stage and how many listen follows from the participants' own events. */
const roomChanges = (before: Room, after: Room): RoomChange[] => {
  const own = ({ counts: _counts, stage: _stage, ...rest }: Room) => rest
  return same(own(before), own(after)) ? [] : [toAll({ type: 'room', room: after })]
}

const departure = (was: Member | undefined, member: Member): RoomChange[] => {
  if (!was || !isHere(was) || isHere(member)) return []
  const { reason, by } = member.left ?? { reason: 'left' as const, by: null }
  return [toAll({ type: 'participant-left', participantId: member.id, reason, by })]
}

const lowered = (was: Member | undefined, member: Member, actorId: string | null): RoomChange[] => {
  if (!was?.hand || member.hand) return []
  const reason = member.left ? 'left' : isOnStage(member) ? 'on-stage' : member.id === actorId ? 'self' : 'moderator'
  return [toAll({ type: 'hand-lowered', participantId: member.id, reason })]
}

const closed = (was: Member | undefined, member: Member, actorId: string | null, now: number): RoomChange[] => {
  if (!was?.invitation || member.invitation) return []
  const outcome = member.left
    ? 'withdrawn'
    : isOnStage(member)
      ? 'accepted'
      : was.invitation.expiresAt <= now
        ? 'expired'
        : member.id === actorId
          ? 'declined'
          : 'withdrawn'
  return [concerning(member, { type: 'invitation-closed', participantId: member.id, outcome })]
}

const presence = (was: Member | undefined, member: Member): RoomChange[] => {
  if (!isHere(member)) return []
  const participant = participantView(member)
  const isNew = !was || !isHere(was)
  return !isNew && same(participantView(was), participant) ? [] : [toAll({ type: 'participant', participant, isNew })]
}

const invited = (was: Member | undefined, member: Member): RoomChange[] => {
  if (!member.invitation || same(was?.invitation, member.invitation)) return []
  const invitation = invitationView(member)!
  return [concerning(member, { type: 'invited-to-speak', participantId: member.id, invitation })]
}

/** New and changed hands; the asker also learns of moving up; who became a moderator learns of all (F20). */
const hands = (before: RoomState, after: RoomState): RoomChange[] => {
  const was = new Map(handsOf(before).map((hand) => [hand.participantId, hand]))
  const all = handsOf(after)
  const told = all.flatMap((hand): RoomChange[] => {
    const event = { type: 'hand-raised' as const, hand }
    const old = was.get(hand.participantId)
    if (!old || !same(content(old), content(hand)))
      return [{ event, audience: { to: 'moderators', and: hand.participantId } }]
    return old.position === hand.position ? [] : [{ event, audience: { to: 'participant', id: hand.participantId } }]
  })
  const promoted = after.members.filter(
    (member) =>
      isHere(member) &&
      member.role === 'moderator' &&
      before.members.some((old) => old.id === member.id && old.role !== 'moderator'),
  )
  const news = promoted.flatMap(({ id }) =>
    all.map((hand): RoomChange => ({ event: { type: 'hand-raised', hand }, audience: { to: 'participant', id } })),
  )
  return [...told, ...news]
}

const content = ({ position: _position, ...rest }: Hand) => rest
const toAll = (event: RoomEvent): RoomChange => ({ event, audience: { to: 'all' } })
const concerning = (member: Member, event: RoomEvent): RoomChange => ({
  event,
  audience: { to: 'moderators', and: member.id },
})
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
const iso = (ms: number) => new Date(ms).toISOString()
