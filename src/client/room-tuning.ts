import type { SeatParticipant, SeatState } from '../protocol/seat.ts'
import type { RoomModel } from './room-model.ts'

/** How one person sounds to you alone. */
export type Tuning = Pick<SeatParticipant, 'volume' | 'isSilenced'>
/** By `lastingName`. */
export type Tunings = ReadonlyMap<string, Tuning>

/** In the place of a name: the volume of the whole room. No handle and no identity is empty. */
export const everybody = ''

const untuned: Tuning = { volume: 100, isSilenced: false }

type Named = Pick<SeatParticipant, 'id' | 'handle' | 'kind' | 'name'>

/**
 * What somebody is called in every room of a server, where ids are new in each: the handle; of a bot or a companion, which have
 * their owner's, with the name. On a LiveKit room the identity, which is all that is known there.
 */
export const lastingName = ({ id, handle, kind, name }: Named): string => {
  if (handle === null) return id
  return kind === 'person' ? `@${handle}` : `@${handle} ${kind} ${name}`
}

/**
 * How loud one is played, in per cent of the amplitude. Who sounds is on stage, and the stage is the head of the list: this
 * is no walk through the audience.
 */
export const volumeOf = ({ participants, you }: SeatState, id: string): number => {
  const { volume, isSilenced } = participants.find((one) => one.id === id) ?? untuned
  return isSilenced ? 0 : (volume * you.volume) / 100
}

/** How somebody who comes in, or is told of anew, is heard. */
export const tuningOf = ({ tunings }: RoomModel, one: Named): Tuning => {
  // Rooms may hold thousands, and hardly anybody is tuned.
  const { volume, isSilenced } = (tunings.size > 0 && tunings.get(lastingName(one))) || untuned
  return { volume, isSilenced }
}

/** Everybody of that name sounds so from now on. */
export const tune = (model: RoomModel, who: string, tuning: Tuning): RoomModel => {
  const tunings = new Map(model.tunings).set(who, tuning)
  const participants = model.seat.participants.map((one) => (lastingName(one) === who ? { ...one, ...tuning } : one))
  return { ...model, tunings, seat: { ...model.seat, participants } }
}
