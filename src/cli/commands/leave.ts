import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addLeave = (program: Command, context: Context): void => {
  addSeatVerb(program, 'leave', 'leave the room').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'leave' }, ({ room }) => `You left ${room.title}`),
  )
}
