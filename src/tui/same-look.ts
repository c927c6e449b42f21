import type { SeatParticipant, SeatState } from '../protocol/seat.ts'

/** Whether a new state would draw the same picture: levels of those who do not speak move nothing. */
export const looksSame = (a: SeatState, b: SeatState): boolean => {
  if (a === b) return true
  if (a.participants.length !== b.participants.length) return false
  const { participants: peopleA, network: networkA, you: youA, ...restA } = a
  const { participants: peopleB, network: networkB, you: youB, ...restB } = b
  return (
    same({ ...youA, levelDb: shownLevel(youA) }, { ...youB, levelDb: shownLevel(youB) }) &&
    same(roundNetwork(networkA), roundNetwork(networkB)) &&
    same(restA, restB) &&
    peopleA.every((person, index) => samePerson(person, peopleB[index]!))
  )
}

/** Below this one's own meter shows nothing. */
const quietDb = -54

const shownLevel = ({ levelDb, microphone }: SeatState['you']): number =>
  microphone === 'open' && levelDb > quietDb ? Math.round(levelDb) : -100

const roundNetwork = ({ roundTripMs, lossPercent, quality }: SeatState['network']) => ({
  quality,
  roundTripMs: roundTripMs === null ? null : Math.round(roundTripMs),
  lossPercent: lossPercent === null ? null : Math.round(lossPercent),
})

// Rooms may hold thousands: field by field, no text made of them.
const samePerson = (a: SeatParticipant, b: SeatParticipant): boolean => {
  if (a === b) return true
  for (const key of Object.keys(a) as (keyof SeatParticipant)[]) {
    if (a[key] === b[key]) continue
    if (key === 'levelDb' && !(a.isSpeaking && Math.round(a.levelDb) !== Math.round(b.levelDb))) continue
    // The same, come again in a patch.
    if (key === 'playing' && same(a.playing, b.playing)) continue
    return false
  }
  return true
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
