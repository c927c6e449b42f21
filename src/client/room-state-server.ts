import { SILENCE_DB } from '../audio/level.ts'
import type { RoomEvent } from '../protocol/events.ts'
import type { Hand, Invitation, Joined, Participant, Room } from '../protocol/rooms.ts'
import type { SeatParticipant, SeatState } from '../protocol/seat.ts'
import {
  isMutedByModerator,
  quietly,
  type RoomModel,
  type Step,
  type UndatedEvent,
  withSeat,
  withYou,
} from './room-model.ts'
import {
  changeEvents,
  joinedEvent,
  leftEvent,
  placeInRoster,
  rosterEvents,
  sortRoster,
  withRoster,
} from './room-roster.ts'
import { tuningOf } from './room-tuning.ts'

/** Takes in the whole roster: at the first join silently, after a cut telling what went on meanwhile. */
export const reduceServerRoster = (model: RoomModel, joined: Joined): Step => {
  const known = new Map(model.seat.participants.map((one) => [one.id, one]))
  const { you, room } = joined
  const roster = joined.participants.map((one) => participantOf(model, one, known.get(one.id), you.id))
  const named = withYou(model, {
    id: you.id,
    name: you.name,
    handle: you.handle,
    role: you.role,
    hand: ownHand(joined.hands, you.id),
    invitation: joined.invitation,
  })
  const placed = withRoster(named, sortRoster(roster))
  const step = changeRoom(afterRightChange(model, placed), room)
  const next = withSeat(step.model, { hands: handsToSee(joined.hands, you.role) })
  const events = model.seat.connection.status === 'joining' ? [] : step.events
  return { model: next, events: [...rosterEvents(model.seat, next.seat, 'left'), ...events] }
}

export const reduceRoomEvent = (model: RoomModel, event: RoomEvent): Step => {
  switch (event.type) {
    case 'participant':
      return changeParticipant(model, event.participant)
    case 'participant-left':
      return removeParticipant(model, event)
    case 'hand-raised':
      return raiseHand(model, event.hand)
    case 'hand-lowered':
      return lowerHand(model, event.participantId, event.reason)
    case 'invited-to-speak':
      return openInvitation(model, event.participantId, event.invitation)
    case 'invitation-closed':
      return closeInvitation(model, event.participantId, event.outcome)
    case 'room':
      return changeRoom(model, event.room)
    default:
      // The end of the room, a moved media server and a reset are the session's to act on.
      return quietly(model)
  }
}

const participantOf = (
  model: RoomModel,
  { joinedAt: _, ...participant }: Participant,
  known: SeatParticipant | undefined,
  yourId: string,
): SeatParticipant => ({
  isMuted: known?.isMuted ?? true,
  isSpeaking: known?.isSpeaking ?? false,
  levelDb: known?.levelDb ?? SILENCE_DB,
  quality: known?.quality ?? 'unknown',
  isYou: participant.id === yourId,
  ...tuningOf(model, participant),
  ...participant,
})

const changeParticipant = (model: RoomModel, participant: Participant): Step => {
  const { participants, you } = model.seat
  const known = participants.find(({ id }) => id === participant.id)
  const one = participantOf(model, participant, known, you.id)
  const placed = withRoster(model, placeInRoster(participants, one))
  const next = one.isYou ? afterRightChange(model, withYou(placed, { name: one.name, role: one.role })) : placed
  return { model: next, events: known ? changeEvents(known, one) : [joinedEvent(one)] }
}

/** Who lost the right to speak is muted when it comes back: nobody opens another's microphone (R6). */
const afterRightChange = (was: RoomModel, is: RoomModel): RoomModel => {
  const lostMicrophone = !isMutedByModerator(was.seat) && isMutedByModerator(is.seat)
  const lostStage = was.seat.you.role !== 'listener' && is.seat.you.role === 'listener'
  const muted = lostMicrophone || lostStage ? withYou(is, { isMuted: true, isTalkingWhileMuted: false }) : is
  return muted.seat.you.role === 'moderator' ? muted : withSeat(muted, { hands: [] })
}

const removeParticipant = (
  model: RoomModel,
  { participantId, reason, by }: Extract<RoomEvent, { type: 'participant-left' }>,
): Step => {
  const known = model.seat.participants.find(({ id }) => id === participantId)
  // What happened to oneself is told as `left`, by the session.
  if (!known || known.isYou) return quietly(model)
  const roster = model.seat.participants.filter(({ id }) => id !== participantId)
  return { model: withRoster(model, roster), events: [leftEvent(known, reason, by)] }
}

const nameOf = ({ participants }: SeatState, participantId: string): string =>
  participants.find(({ id }) => id === participantId)?.name ?? 'somebody'

const ownHand = (hands: Hand[], yourId: string) => {
  const hand = hands.find(({ participantId }) => participantId === yourId)
  return hand ? { position: hand.position, question: hand.question } : null
}

const handsToSee = (hands: Hand[], role: SeatState['you']['role']) => (role === 'moderator' ? hands : [])

const withHandUp = (model: RoomModel, participantId: string, hasHandUp: boolean): RoomModel => {
  const { participants } = model.seat
  const known = participants.find(({ id }) => id === participantId)
  if (!known || known.hasHandUp === hasHandUp) return model
  return withSeat(model, { participants: placeInRoster(participants, { ...known, hasHandUp }) })
}

const raiseHand = (model: RoomModel, hand: Hand): Step => {
  const { you, hands } = model.seat
  const { participantId, name, handle, question, position } = hand
  const isYou = participantId === you.id
  const rest = hands.filter((one) => one.participantId !== participantId)
  const ordered = [...rest, hand].sort((a, b) => a.position - b.position)
  const up = withHandUp(withSeat(model, { hands: handsToSee(ordered, you.role) }), participantId, true)
  return {
    model: isYou ? withYou(up, { hand: { position, question } }) : up,
    events: [{ type: 'hand-raised', participantId, name, handle, isYou, question, position }],
  }
}

const lowerHand = (model: RoomModel, participantId: string, reason: string): Step => {
  const { you, hands } = model.seat
  const isYou = participantId === you.id
  const rest = hands
    .filter((one) => one.participantId !== participantId)
    .map((one, index) => (one.position === index + 1 ? one : { ...one, position: index + 1 }))
  const down = withHandUp(withSeat(model, { hands: rest }), participantId, false)
  return {
    model: isYou ? withYou(down, { hand: null }) : down,
    events: [{ type: 'hand-lowered', participantId, name: nameOf(model.seat, participantId), isYou, reason }],
  }
}

const openInvitation = (model: RoomModel, participantId: string, invitation: Invitation): Step => {
  const isYou = participantId === model.seat.you.id
  const name = nameOf(model.seat, participantId)
  return {
    model: isYou ? withYou(model, { invitation }) : model,
    events: [{ type: 'invited-to-speak', participantId, name, isYou, ...invitation }],
  }
}

const closeInvitation = (model: RoomModel, participantId: string, outcome: string): Step => {
  const isYou = participantId === model.seat.you.id
  const name = nameOf(model.seat, participantId)
  return {
    model: isYou ? withYou(model, { invitation: null }) : model,
    events: [{ type: 'invitation-closed', participantId, name, isYou, outcome }],
  }
}

const changeRoom = (model: RoomModel, room: Room): Step => {
  const was = model.seat.room
  const { id, title, link, isRecorded, awaited, topic, language, sound, hands, playing } = room
  const next = withSeat(model, {
    room: { id, title, link, isRecorded, startedAt: room.createdAt, awaited, topic, language, sound, hands, playing },
  })
  const events: UndatedEvent[] = []
  if (was.title !== title) events.push({ type: 'room-changed', title })
  if (was.isRecorded !== isRecorded) {
    const names = model.seat.participants.filter((one) => one.isRecording).map(({ name }) => name)
    events.push({ type: 'recording', isRecorded, names })
  }
  if (JSON.stringify(was.playing) !== JSON.stringify(playing)) events.push({ type: 'playing', playing })
  if (was.awaited?.until !== awaited?.until)
    events.push({ type: 'moderator-awaited', names: awaited?.names ?? [], until: awaited?.until ?? null })
  return { model: next, events }
}
