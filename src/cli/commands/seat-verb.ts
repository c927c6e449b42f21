import type { Command } from 'commander'
import type { SeatCommand, SeatState } from '../../protocol/seat.ts'
import type { Context } from '../context.ts'

export type SeatVerbOptions = { seat?: string; json?: boolean }

/** A verb on the running seat; it says the seat's state afterwards with --json, else a word on stderr. */
export const addSeatVerb = (parent: Command, usage: string, description: string): Command =>
  parent
    .command(usage)
    .description(description)
    .option('--seat <id>', 'which seat, when several run')
    .option('--json', "the seat's state afterwards as one JSON document")

export const tellSeat = async (
  context: Context,
  options: SeatVerbOptions,
  command: SeatCommand,
  said: (state: SeatState) => string,
): Promise<void> => {
  const { commandSeat } = await import('../seat.ts')
  const state = await commandSeat(context, options, command)
  if (options.json) context.output.json(state)
  else context.output.note(said(state))
}
