import type { SeatState } from '../../protocol/seat.ts'

/** Who is there to hear it: neither bots nor the bot's own account. */
export const people = ({ participants, you }: SeatState) =>
  participants.filter(
    ({ isYou, kind, isAway, handle }) =>
      !isYou && kind !== 'bot' && !isAway && (handle === null || handle !== you.handle),
  )

/** Why nothing of it is heard, as far as the seat knows. */
export const causeOfCut = ({ connection, you }: SeatState) => {
  if (connection.status === 'reconnecting') return connection.cause
  if (you.role === 'listener') return 'taken off the stage'
  if (you.microphone === 'muted-by-moderator') return 'muted by a moderator'
  return 'nothing comes back from the media server'
}
