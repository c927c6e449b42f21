import type { SeatEvent, SeatState } from '../../protocol/seat.ts'
import { cleanLine } from '../../protocol/text.ts'
import { listNames, microphoneSentence } from '../words.ts'
import { roomFacts, speakersIn } from './answers.ts'
import { describe } from './sentences.ts'

const MAX_SAID = 5

/** Three lines for one who comes back to a seat: the room; who speaks; the microphone, and what was missed. */
export const describeReturn = (state: SeatState, missed: SeatEvent[], nowMs: number): string =>
  [roomLine(state, nowMs), speakingLine(state), `${microphoneSentence(state)} ${missedSentence(state, missed)}`]
    .map(cleanLine)
    .join('\n')

const roomLine = (state: SeatState, nowMs: number): string => {
  const { room, connection, you } = state
  const reconnecting = connection.status === 'reconnecting' ? [`reconnecting: ${connection.cause}`] : []
  return `${room.title}: ${[`you are a ${you.role}`, ...roomFacts(state, nowMs), ...reconnecting].join(', ')}.`
}

const speakingLine = (state: SeatState): string => {
  const names = speakersIn(state).map(({ name }) => name)
  const onStage = `${state.counts.speakers} on stage`
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
