import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addHand = (program: Command, context: Context): void => {
  addSeatVerb(program, 'hand [question...]', 'raise your hand, if you like with a question for the moderators').action(
    (words: string[], options: SeatVerbOptions) =>
      tellSeat(context, options, { verb: 'hand', question: words.join(' ') || undefined }, ({ you }) =>
        you.hand ? `Your hand is up, number ${you.hand.position}` : 'Your hand is up',
      ),
  )
  addSeatVerb(program, 'lower', 'lower your hand').action((options: SeatVerbOptions) =>
    tellSeat(context, options, { verb: 'lower' }, () => 'Your hand is down'),
  )
}
