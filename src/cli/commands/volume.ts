import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { failure } from '../failure.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

export const addVolume = (program: Command, context: Context): void => {
  addSeatVerb(program, 'volume <who-or-percent> [percent]', 'how loud, 0 to 200: everybody, or one: @who 80').action(
    (first: string, second: string | undefined, options: SeatVerbOptions) => {
      const [who, text] = second === undefined ? [undefined, first] : [first, second]
      if (!/^\d{1,3}$/.test(text) || Number(text) > 200)
        throw failure('bad-input', `the volume is a number from 0 to 200, not "${text}"`)
      const whose = who === undefined ? 'Volume' : `Volume of ${who}`
      return tellSeat(context, options, { verb: 'volume', percent: Number(text), who }, () => `${whose}: ${text} %`)
    },
  )
}
