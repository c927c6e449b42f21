import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addDeafen = (program: Command, context: Context): void => {
  addSeatVerb(program, 'deafen', 'hear nothing').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'deafen' }, () => 'You hear nothing now'),
  )
  addSeatVerb(program, 'undeafen', 'hear again').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'undeafen' }, () => 'You hear the room again'),
  )
}
