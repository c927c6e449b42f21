import type { LeaveReason } from '../protocol/events.ts'
import type { SeatParticipant, SeatState } from '../protocol/seat.ts'
import type { RoomModel, UndatedEvent } from './room-model.ts'

const ranks = { moderator: 0, speaker: 1, listener: 2 } as const

/** Stage first, each rank in the order it was given: O(n). */
export const sortRoster = (participants: SeatParticipant[]): SeatParticipant[] => [
  ...participants.filter(({ role }) => role === 'moderator'),
  ...participants.filter(({ role }) => role === 'speaker'),
  ...participants.filter(({ role }) => role === 'listener'),
]

/** Replaces one participant, or adds it behind the others of its rank. */
export const placeInRoster = (participants: SeatParticipant[], one: SeatParticipant): SeatParticipant[] => {
  const index = participants.findIndex(({ id }) => id === one.id)
  if (index >= 0 && participants[index]!.role === one.role) return participants.with(index, one)
  const others = index >= 0 ? participants.toSpliced(index, 1) : participants
  const after = others.findIndex(({ role }) => ranks[role] > ranks[one.role])
  return others.toSpliced(after < 0 ? others.length : after, 0, one)
}

export const withRoster = (model: RoomModel, participants: SeatParticipant[]): RoomModel => {
  const speakers = participants.findIndex(({ role }) => role === 'listener')
  const counts = {
    speakers: speakers < 0 ? participants.length : speakers,
    listeners: speakers < 0 ? 0 : participants.length - speakers,
  }
  return { ...model, seat: { ...model.seat, participants, counts } }
}

/** What became different between two rosters, as people are told it; nothing before one has joined. */
export const rosterEvents = (was: SeatState, is: SeatState, lostReason: LeaveReason): UndatedEvent[] => {
  if (was.connection.status === 'joining') return []
  const before = new Map(was.participants.map((one) => [one.id, one]))
  const events = is.participants.flatMap((one) => {
    const known = before.get(one.id)
    before.delete(one.id)
    return known ? changeEvents(known, one) : [joinedEvent(one)]
  })
  return [...events, ...[...before.values()].map((one) => leftEvent(one, lostReason, null))]
}

export const joinedEvent = ({ id, name, handle, role, kind }: SeatParticipant): UndatedEvent => ({
  type: 'participant-joined',
  participantId: id,
  name,
  handle,
  role,
  kind,
})

export const leftEvent = (
  { id, name, handle }: SeatParticipant,
  reason: LeaveReason,
  by: string | null,
): UndatedEvent => ({
  type: 'participant-left',
  participantId: id,
  name,
  handle,
  reason,
  by,
})

export const changeEvents = (was: SeatParticipant, is: SeatParticipant): UndatedEvent[] => {
  const { id, name, handle, isYou } = is
  const who = { participantId: id, name, handle, isYou }
  const events: UndatedEvent[] = []
  if (was.role !== is.role) events.push({ type: 'role-changed', ...who, role: is.role, was: was.role })
  if (was.mutedByModerator !== is.mutedByModerator && is.role !== 'listener') {
    // The right to speak given back leaves the microphone muted; the unmuting is told when it happens.
    if (is.mutedByModerator) events.push({ type: 'muted', ...who, byModerator: true })
  } else if (was.isMuted !== is.isMuted && !is.isYou && is.role !== 'listener' && was.role === is.role) {
    if (!is.mutedByModerator) events.push({ type: is.isMuted ? 'muted' : 'unmuted', ...who, byModerator: false })
  }
  if (was.isSpeaking !== is.isSpeaking)
    events.push({ type: 'speaking', participantId: id, name, isYou, isSpeaking: is.isSpeaking, levelDb: is.levelDb })
  return events
}

/** Those on stage who stepped off it, were muted by a moderator, or left: their silence is no gap. */
export const whoFellSilent = (was: SeatState, is: SeatState): Iterable<string> => {
  if (was.participants === is.participants) return []
  const stageOf = ({ participants, counts }: SeatState) =>
    participants.slice(0, counts.speakers).filter(({ mutedByModerator }) => !mutedByModerator)
  const gone = new Set(stageOf(was).map(({ id }) => id))
  for (const { id } of stageOf(is)) gone.delete(id)
  return gone
}
