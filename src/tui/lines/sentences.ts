import type { SeatEvent, SeatState } from '../../protocol/seat.ts'
import { cleanLine } from '../../protocol/text.ts'
import {
  clockTime,
  count,
  ending,
  isByYou,
  listNames,
  microphoneSentence,
  placeInLine,
  volumeSentence,
} from '../words.ts'
import { playingSentence } from './answers.ts'
import { isTold } from './kinds.ts'
import type { News } from './news.ts'

/**
 * One plain sentence for an event, or undefined when it neither concerns you nor changes the stage. `before` is the
 * state that came before the event's own, for what only it still knows: whether one who left was on stage.
 */
export const describe = (event: SeatEvent, state: SeatState, before: SeatState = state): string | undefined => {
  const news = newsOf(event, state, before)
  return news && isTold(undefined, news.kind) ? news.text : undefined
}

/** An event as news: what kind it is, the sentence, and what it is called when several become one line. */
export const newsOf = (event: SeatEvent, state: SeatState, before: SeatState = state): News | undefined => {
  const news = rawNews(event, state, before)
  return news && { ...news, name: cleanLine(news.name ?? ''), text: cleanLine(news.text) }
}

/** Who on stage may speak again, which no event of a seat tells: the right comes back, the microphone stays muted. */
export const allowedAgain = (before: SeatState, { participants, counts }: SeatState): News[] => {
  const muted = new Set(before.participants.filter((one) => one.mutedByModerator).map(({ id }) => id))
  return participants
    .slice(0, counts.speakers)
    .filter(({ id, mutedByModerator }) => muted.has(id) && !mutedByModerator)
    .map(({ isYou, name }) =>
      isYou
        ? { kind: 'you', topic: '', name, text: 'You may speak again. You are still muted.' }
        : { kind: 'stage', topic: '', name, text: cleanLine(`${name} may speak again.`) },
    )
}

type RawNews = Omit<News, 'name'> & { name?: string }

const you = (text: string): RawNews => ({ kind: 'you', topic: '', text })

const rawNews = (event: SeatEvent, state: SeatState, before: SeatState): RawNews | undefined => {
  switch (event.type) {
    case 'joined':
      return you(
        `You are in ${event.title} as a ${event.role}; ${count(event.participants, 'person', 'people')} here. ${microphoneSentence(state)}${volumeSentence(state)}`,
      )
    case 'participant-joined':
      if (event.role === 'listener')
        return { kind: 'audience', topic: 'joined', name: event.name, text: `${event.name} joined.` }
      return stage(event.name, `${event.name} joined the stage as a ${event.role}.`)
    case 'participant-left':
      return leftNews(event, state, before)
    case 'role-changed':
      return event.isYou ? you(ownRoleSentence(event.role, state)) : stage(event.name, roleSentence(event))
    case 'hand-raised':
    case 'hand-lowered':
      return handNews(event)
    case 'invited-to-speak':
    case 'invitation-closed':
      return invitationNews(event)
    case 'muted':
    case 'unmuted':
      return mutingNews(event, state)
    case 'speaking':
      if (event.isYou || !event.isSpeaking) return undefined
      return { kind: 'speaking', topic: 'spoke', name: event.name, text: `${event.name} speaks.` }
    case 'heard':
      return { kind: 'heard', topic: event.participantId, name: event.who, text: heardSentence(event) }
    case 'playing': {
      const text = playingSentence({ ...state, room: { ...state.room, playing: event.playing } }, Date.parse(event.at))
      return { kind: 'playing', topic: 'playing', text: text ?? 'Nothing is played now.' }
    }
    case 'recording':
    case 'room-changed':
    case 'moderator-awaited':
      return { kind: 'room', topic: event.type, text: roomSentence(event) }
    default:
      return you(seatSentence(event, state))
  }
}

const stage = (name: string, text: string): RawNews => ({ kind: 'stage', topic: '', name, text })

/** What befell the seat itself. */
const seatSentence = (
  event: Extract<
    SeatEvent,
    { type: 'reconnecting' | 'reconnected' | 'device-lost' | 'device-back' | 'warning' | 'left' }
  >,
  state: SeatState,
): string => {
  switch (event.type) {
    case 'reconnecting':
      return `Connection lost: ${event.cause}. Reconnecting.`
    case 'reconnected':
      return `Connected again after ${Math.max(1, Math.round(event.afterMs / 1000))} s.`
    case 'device-lost':
      return `Your ${event.device} is gone: ${event.name}.`
    case 'device-back':
      return `Your ${event.device} is back: ${event.name}.`
    case 'warning':
      return event.message
    case 'left':
      return event.reason === 'failed' && event.message
        ? event.message
        : ending(event.reason, event.by, isByYou(state, event.by)).what
  }
}

const roomSentence = (
  event: Extract<SeatEvent, { type: 'recording' | 'room-changed' | 'moderator-awaited' }>,
): string => {
  switch (event.type) {
    case 'recording':
      if (!event.isRecorded) return 'The recording has ended.'
      return event.names.length > 0 ? `${listNames(event.names)} records this room.` : 'This room is being recorded.'
    case 'room-changed':
      return `The room is now called ${event.title}.`
    case 'moderator-awaited':
      if (event.names.length === 0 || event.until === null) return 'A moderator is back.'
      return `No moderator is here. The room waits for ${listNames(event.names)} until ${clockTime(event.until)}.`
  }
}

const mutingNews = (event: Extract<SeatEvent, { type: 'muted' | 'unmuted' }>, state: SeatState): RawNews => {
  const { name, byModerator } = event
  if (event.type === 'muted') {
    if (event.isYou) return you(ownMutingSentence(byModerator, state))
    return byModerator ? stage(name, `A moderator muted ${name}.`) : mute(name, 'muted')
  }
  return event.isYou ? you('Your microphone is open.') : mute(name, 'unmuted')
}

const mute = (name: string, topic: 'muted' | 'unmuted'): RawNews => ({
  kind: 'mutes',
  topic,
  name,
  text: `${name} ${topic}.`,
})

const ownMutingSentence = (byModerator: boolean, state: SeatState): string => {
  if (byModerator) return 'A moderator muted you. You cannot unmute yourself now.'
  return state.you.microphone === 'no-microphone'
    ? 'The sound for your microphone has ended: you are not heard any more.'
    : 'You are muted.'
}

const leftNews = (
  event: Extract<SeatEvent, { type: 'participant-left' }>,
  state: SeatState,
  before: SeatState,
): RawNews => {
  const { name, participantId, reason, by } = event
  const person = [...before.participants, ...state.participants].find(({ id }) => id === participantId)
  const wasOnStage = person !== undefined && person.role !== 'listener'
  if (reason === 'kicked' && (wasOnStage || state.you.role === 'moderator'))
    return stage(name, `${name} was removed by ${by ?? 'a moderator'}.`)
  if (!wasOnStage) return { kind: 'audience', topic: 'left', name, text: `${name} left.` }
  return stage(name, reason === 'lost' ? `${name} lost the connection.` : `${name} left the room.`)
}

const ownRoleSentence = (role: SeatState['you']['role'], state: SeatState): string => {
  if (role === 'listener') return 'You are back in the audience.'
  if (role === 'speaker') return `You are on stage. ${microphoneSentence(state)}`
  return `You are a moderator now. ${microphoneSentence(state)}`
}

const roleSentence = ({ name, role, was }: Extract<SeatEvent, { type: 'role-changed' }>): string => {
  if (role === 'listener') return `${name} went back to the audience.`
  if (role === 'speaker') return was === 'moderator' ? `${name} is no longer a moderator.` : `${name} is on stage now.`
  return `${name} is a moderator now.`
}

const handNews = (event: Extract<SeatEvent, { type: 'hand-raised' | 'hand-lowered' }>): RawNews | undefined => {
  const { name } = event
  if (event.type === 'hand-raised') {
    const place = placeInLine(event.position)
    if (event.isYou) return you(`Your hand is up, ${place}.`)
    const text = `${name} raised a hand, ${place}${event.question ? `: ${event.question}` : '.'}`
    return { kind: 'hands', topic: 'raised a hand', name, text }
  }
  // On stage and left are told as what they are.
  if (event.reason !== 'self' && event.reason !== 'moderator') return undefined
  if (event.isYou) return you(event.reason === 'self' ? 'Your hand is down.' : 'A moderator lowered your hand.')
  return { kind: 'hands', topic: 'no longer with a hand up', name, text: `${name} no longer has a hand up.` }
}

const invitationNews = (
  event: Extract<SeatEvent, { type: 'invited-to-speak' | 'invitation-closed' }>,
): RawNews | undefined => {
  const { name, isYou } = event
  if (event.type === 'invited-to-speak')
    return isYou
      ? you(`${event.by} invites you to speak, until ${clockTime(event.expiresAt)}. Accept or decline.`)
      : stage(name, `${event.by} invited ${name} to speak.`)
  const text = closedInvitationSentence(event)
  if (text === undefined) return undefined
  return isYou ? you(text) : stage(name, text)
}

const closedInvitationSentence = ({
  name,
  isYou,
  outcome,
}: Extract<SeatEvent, { type: 'invitation-closed' }>): string | undefined => {
  const whose = isYou ? 'The invitation' : `The invitation to ${name}`
  switch (outcome) {
    case 'declined':
      return isYou ? 'You declined the invitation.' : `${name} declined the invitation.`
    case 'expired':
      return `${whose} has run out.`
    case 'withdrawn':
      return `${whose} was withdrawn.`
    default:
      return undefined
  }
}

const heardSentence = ({ who, seconds, levelDb, longestGapMs }: Extract<SeatEvent, { type: 'heard' }>): string => {
  const gap = longestGapMs > 0 ? `, longest gap ${Math.round(longestGapMs)} ms` : ', no gap'
  return `Heard ${who} for ${Math.round(seconds)} s at ${Math.round(levelDb)} dB${gap}.`
}
