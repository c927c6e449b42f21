import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addStepDown = (program: Command, context: Context): void => {
  addSeatVerb(program, 'step-down', 'leave the stage and listen').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'step-down' }, () => 'You are a listener'),
  )
}
