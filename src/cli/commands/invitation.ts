import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addInvitation = (program: Command, context: Context): void => {
  addSeatVerb(program, 'accept', 'come on stage when invited').action((options: SeatVerbOptions) =>
    tellSeat(
      context,
      options,
      { verb: 'accept' },
      () => 'You are on stage, muted: roomtone unmute opens the microphone',
    ),
  )
  addSeatVerb(program, 'decline', 'stay a listener').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'decline' }, () => 'You stay a listener'),
  )
}
