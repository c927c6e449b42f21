import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addMute = (program: Command, context: Context): void => {
  addSeatVerb(program, 'mute', 'close your microphone').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'mute' }, () => 'Muted'),
  )
  addSeatVerb(program, 'unmute', 'open your microphone').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'unmute' }, () => 'Your microphone is open'),
  )
}
