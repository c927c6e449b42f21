import type { SeatParticipant, SeatPatch, SeatState } from '../protocol/seat.ts'

/**
 * What a later state changes of an earlier one, for who has that; undefined where the whole is shorter. In a room of
 * thousands the levels of three speakers, ten times a second, are then three rows and not thousands.
 */
export const patchBetween = (was: SeatState, is: SeatState): SeatPatch | undefined => {
  if (was.participants.length !== is.participants.length) return undefined
  const most = was.participants.length / 4 + 8
  const participants: [number, SeatParticipant][] = []
  // States share what did not change.
  for (const [index, one] of is.participants.entries())
    if (one !== was.participants[index] && participants.push([index, one]) > most) return undefined
  const rest = Object.entries(is).filter(
    ([key, value]) => key !== 'participants' && value !== was[key as keyof SeatState],
  )
  return { ...Object.fromEntries(rest), participants }
}

/** The state after a patch; rows that it does not name stay the same objects. */
export const patched = (was: SeatState, { participants, ...rest }: SeatPatch): SeatState => {
  if (participants.length === 0) return { ...was, ...rest }
  const rows = was.participants.slice()
  for (const [index, one] of participants) rows[index] = one
  return { ...was, ...rest, participants: rows }
}
