import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addSilence = (program: Command, context: Context): void => {
  addSeatVerb(program, 'silence <who>', 'do not hear somebody, from now on and for you alone').action(
    (who: string, options: SeatVerbOptions) =>
      tellSeat(context, options, { verb: 'silence', who }, () => `You do not hear ${who} any more; nobody is told`),
  )
  addSeatVerb(program, 'hear <who>', 'hear them again').action((who: string, options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'hear', who }, () => `You hear ${who} again`),
  )
}
