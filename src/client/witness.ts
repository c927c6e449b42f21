import type { Heard, SeatState } from '../protocol/seat.ts'
import type { Hearing } from './hearing.ts'

/** Puts names to what was heard; who has left is still to be named. */
export const createWitness = (heardSounds: Hearing['heard'], state: () => SeatState) => {
  const names = new Map<string, { who: string; handle: string | null }>()
  return {
    heard: (isFinal: boolean): Heard[] =>
      heardSounds().flatMap((sound) => {
        const one = state().participants.find(({ id }) => id === sound.participantId)
        if (one) names.set(one.id, { who: one.name, handle: one.handle })
        const name = names.get(sound.participantId)
        const isWorthTelling = sound.seconds > 0 || sound.longestGapMs > 0
        return name && isWorthTelling ? [{ ...sound, ...name, isFinal }] : []
      }),
  }
}
