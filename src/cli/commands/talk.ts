import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { failure } from '../failure.ts'
import { addSeatVerb, type SeatVerbOptions, tellSeat } from './seat-verb.ts'

/** Push to talk for global hotkeys: `on` while the key is held. */
export const addTalk = (program: Command, context: Context): void => {
  addSeatVerb(program, 'talk <on|off>', 'push to talk, for a hotkey: on when pressed, off when released').action(
    (word: string, options: SeatVerbOptions) => {
      if (word !== 'on' && word !== 'off') throw failure('bad-input', `talk is on or off, not "${word}"`)
      return tellSeat(context, options, { verb: 'talk', on: word === 'on' }, () => `Talk ${word}`)
    },
  )
}
