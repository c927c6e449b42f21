import type { SeatEvent, SeatState } from '../protocol/seat.ts'
import { cleanLine } from '../protocol/text.ts'
import { describe } from './lines/sentences.ts'
import { count, listNames, liveFor, microphoneSentence } from './words.ts'

const MAX_SAID = 5

/** Three lines for one who comes back to a seat: the room; who speaks; the microphone, and what was missed. */
export const describeReturn = (state: SeatState, missed: SeatEvent[], nowMs: number): string =>
  [roomLine(state, nowMs), speakingLine(state), `${microphoneSentence(state)} ${missedSentence(state, missed)}`]
    .map(cleanLine)
    .join('\n')

const roomLine = ({ room, counts, connection, you }: SeatState, nowMs: number): string => {
  const facts = [
    `you are a ${you.role}`,
    liveFor(room.startedAt, nowMs),
    `${count(counts.speakers + counts.listeners, 'person', 'people')} here`,
    room.isRecorded ? 'being recorded' : 'not recorded',
    connection.status === 'reconnecting' ? `reconnecting: ${connection.cause}` : undefined,
  ].filter((fact) => fact !== undefined)
  return `${room.title}: ${facts.join(', ')}.`
}

const speakingLine = ({ participants, counts }: SeatState): string => {
  const names = participants.filter(({ isSpeaking, isYou }) => isSpeaking && !isYou).map(({ name }) => name)
  const onStage = `${counts.speakers} on stage`
  if (names.length === 0) return `Nobody speaks; ${onStage}.`
  return `${listNames(names)} ${names.length === 1 ? 'speaks' : 'speak'}; ${onStage}.`
}

const missedSentence = (state: SeatState, missed: SeatEvent[]): string => {
  const said = missed
    .filter((event) => !(event.type === 'muted' && event.isYou && !event.byModerator))
    .map((event) => describe(event, state))
    .filter((sentence) => sentence !== undefined)
  if (said.length === 0) return 'You missed nothing.'
  const more = said.length > MAX_SAID ? `${said.length - MAX_SAID} more, then: ` : ''
  return `You missed: ${more}${said.slice(-MAX_SAID).join(' ')}`
}
