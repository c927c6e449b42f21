import { SILENCE_DB } from '../audio/level.ts'
import type { SeatParticipant } from '../protocol/seat.ts'
import { cleanLine } from '../protocol/text.ts'
import type { MediaEvent, MediaParticipant } from './media.ts'
import { quietly, type RoomInput, type RoomModel, type Step, withSeat, withYou } from './room-model.ts'
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

/** Takes in who LiveKit says is there: all of the roster without our server, else only who is muted. */
export const reduceMediaRoster = (
  model: RoomModel,
  { you, roomName, participants }: Extract<RoomInput, { type: 'media-joined' }>,
): Step => {
  const present = new Map([you, ...participants].map((one) => [one.id, one]))
  if (hasServer(model)) {
    const roster = model.seat.participants.map((one) => withMediaFacts(one, present.get(one.id)))
    return quietly(withRoster(model, roster))
  }
  const known = new Map(model.seat.participants.map((one) => [one.id, one]))
  const roster = [...present.values()].map((one) => participantOf(model, one, known.get(one.id), you.id))
  const named = withSeat(withYou(model, { id: you.id, name: cleanLine(you.name), role: roleOf(you) }), {
    room: { ...model.seat.room, title: cleanLine(roomName) || 'LiveKit room' },
  })
  const next = withRoster(named, sortRoster(roster))
  return { model: next, events: rosterEvents(model.seat, next.seat, 'left') }
}

export const reduceMedia = (model: RoomModel, event: MediaEvent): Step => {
  switch (event.type) {
    case 'participant':
      return changeParticipant(model, event.participant)
    case 'participant-left':
      return removeParticipant(model, event.id)
    case 'speaking':
      return changeSpeaking(model, new Set(event.ids))
    case 'quality':
      return quietly(changeQuality(model, event.id, event.quality))
    default:
      return quietly(model)
  }
}

const hasServer = (model: RoomModel) => model.seat.room.id !== null

const withMediaFacts = (one: SeatParticipant, media: MediaParticipant | undefined): SeatParticipant => {
  const isMuted = media?.isMuted ?? true
  return one.isMuted === isMuted ? one : { ...one, isMuted }
}

// LiveKit knows no roles: who may publish is on stage.
const roleOf = ({ canPublish }: MediaParticipant) => (canPublish ? 'speaker' : 'listener')

const participantOf = (
  model: RoomModel,
  media: MediaParticipant,
  known: SeatParticipant | undefined,
  yourId: string,
): SeatParticipant => ({
  ...(known ?? unknownParticipant),
  id: media.id,
  name: cleanLine(media.name) || media.id,
  kind: media.kind,
  role: roleOf(media),
  isMuted: media.isMuted,
  isYou: media.id === yourId,
  ...tuningOf(model, { ...media, handle: null }),
})

const unknownParticipant = {
  handle: null,
  mutedByModerator: false,
  hasHandUp: false,
  isRecording: false,
  isAway: false,
  playing: null,
  isSpeaking: false,
  levelDb: SILENCE_DB,
  quality: 'unknown',
} as const

const changeParticipant = (model: RoomModel, media: MediaParticipant): Step => {
  const { participants, you } = model.seat
  const known = participants.find(({ id }) => id === media.id)
  if (hasServer(model)) {
    if (!known) return quietly(model)
    return replace(model, known, withMediaFacts(known, media))
  }
  const one = participantOf(model, media, known, you.id)
  const named = one.isYou ? withYou(model, { name: one.name, role: one.role }) : model
  if (known) return replace(named, known, one)
  return { model: withRoster(named, placeInRoster(participants, one)), events: [joinedEvent(one)] }
}

const replace = (model: RoomModel, was: SeatParticipant, is: SeatParticipant): Step => {
  if (was === is) return quietly(model)
  return { model: withRoster(model, placeInRoster(model.seat.participants, is)), events: changeEvents(was, is) }
}

const removeParticipant = (model: RoomModel, id: string): Step => {
  const known = model.seat.participants.find((one) => one.id === id)
  if (!known) return quietly(model)
  // With our server it alone says who is here; without a track there is no more sound either way.
  if (hasServer(model)) {
    const others = new Set([...model.saidToSpeak].filter((one) => one !== id))
    return replace({ ...model, saidToSpeak: others }, known, {
      ...known,
      isMuted: true,
      isSpeaking: false,
      quality: 'unknown',
    })
  }
  const roster = model.seat.participants.filter((one) => one.id !== id)
  return { model: withRoster(model, roster), events: [leftEvent(known, 'left', null)] }
}

/** Takes the media server's word on who speaks. */
export const changeSpeaking = (model: RoomModel, saidToSpeak: ReadonlySet<string>): Step => {
  const unheard = new Map([...model.unheard].filter(([id]) => saidToSpeak.has(id)))
  return showSpeaking({ ...model, saidToSpeak, unheard })
}

const UNHEARD_DB = -60
/** Levels come ten times a second; so many looks without a sound are no pause between two words. */
const UNHEARD_LOOKS = 15

/**
 * The media server's word is old when the network is cut: whoever it says to speak, and is not heard, is not shown as
 * speaking, until there is sound again or a new word. Your own voice does not come back to you.
 */
export const hearWhoSpeaks = (model: RoomModel, levels: ReadonlyMap<string, number>): Step => {
  const { saidToSpeak, unheard, seat } = model
  const silent = [...saidToSpeak].filter((id) => id !== seat.you.id && (levels.get(id) ?? SILENCE_DB) < UNHEARD_DB)
  if (silent.length === 0 && unheard.size === 0) return quietly(model)
  return showSpeaking({ ...model, unheard: new Map(silent.map((id) => [id, (unheard.get(id) ?? 0) + 1])) })
}

const showSpeaking = (model: RoomModel): Step => {
  const { participants, connection } = model.seat
  const isHeard = (id: string) => (model.unheard.get(id) ?? 0) < UNHEARD_LOOKS
  const speaking = new Set(connection.status === 'reconnecting' ? [] : [...model.saidToSpeak].filter(isHeard))
  const changed = participants.filter((one) => one.isSpeaking !== speaking.has(one.id))
  if (changed.length === 0) return quietly(model)
  const roster = participants.map((one) =>
    one.isSpeaking === speaking.has(one.id) ? one : { ...one, isSpeaking: !one.isSpeaking },
  )
  return {
    model: withSeat(model, { participants: roster }),
    events: changed.flatMap((one) => changeEvents(one, { ...one, isSpeaking: !one.isSpeaking })),
  }
}

const changeQuality = (model: RoomModel, id: string, quality: SeatParticipant['quality']): RoomModel => {
  const { participants, you, network } = model.seat
  const known = participants.find((one) => one.id === id)
  const next = id === you.id ? withSeat(model, { network: { ...network, quality } }) : model
  if (!known || known.quality === quality) return next
  return withSeat(next, { participants: placeInRoster(participants, { ...known, quality }) })
}
