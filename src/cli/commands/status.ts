import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addSeatVerb, type SeatVerbOptions } from './seat-verb.ts'

export const addStatus = (program: Command, context: Context): void => {
  addSeatVerb(program, 'status', 'where you are and whether you are heard').action((options: SeatVerbOptions) =>
    status(context, options),
  )
}

const status = async (context: Context, options: SeatVerbOptions) => {
  const { commandSeat } = await import('../seat.ts')
  const { describeState, stateFacts } = await import('../../tui/lines/answers.ts')
  const state = await commandSeat(context, options, { verb: 'status' })
  if (options.json) context.output.json(state)
  else if (context.output.isPlain) context.output.facts(stateFacts(state))
  else context.output.line(describeState(state))
}
