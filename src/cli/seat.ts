import { connectSeat, listSeats, lookForSeats, passBySeat, type RunningSeat, type SeatClient } from '../client/seat.ts'
import type { SeatCommand, SeatState } from '../protocol/seat.ts'
import type { Context } from './context.ts'
import { exitCodeOfLeaving, failure } from './failure.ts'

/** The exit code of a stay that is over; a recording that broke off on the way is a failure. */
export const exitCodeOfStay = (reason: string, state: SeatState | undefined): number => {
  const { name, status } = state?.devices.speaker ?? {}
  const isCut = name?.startsWith('file:') && status === 'none'
  return exitCodeOfLeaving(reason) || (isCut ? 1 : 0)
}

export type SeatOption = { seat?: string }

/** A face on the running seat. Codes as of `findSeat`. */
export const attachSeat = async (context: Context, option: SeatOption): Promise<SeatClient> => {
  const { seatId } = await findSeat(context, option)
  const client = await connectSeat(context.folders.sockets, seatId)
  context.onClose(() => client.close())
  return client
}

/** One command to the running seat; resolves with its state after it. Codes as of `findSeat`, and the seat's own. */
export const commandSeat = async (context: Context, option: SeatOption, command: SeatCommand): Promise<SeatState> => {
  const { seatId } = await findSeat(context, option)
  const client = await passBySeat(context.folders.sockets, seatId)
  context.onClose(() => client.close())
  // The answer to this one may be its end; the last state is then what was seen before.
  if (command.verb === 'leave') await client.request({ verb: 'status' })
  return client.request(command)
}

/** One command to every running seat; what a seat refuses is thrown, unless it is taken care of. */
export const tellSeats = async (
  { folders }: Context,
  command: SeatCommand,
  onRefused: (error: Error, seat: RunningSeat) => void = (error) => {
    throw error
  },
): Promise<void> => {
  for (const seat of await listSeats(folders.sockets)) {
    const client = await passBySeat(folders.sockets, seat.seatId)
    try {
      await client.request(command).catch((error) => onRefused(error, seat))
    } finally {
      client.close()
    }
  }
}

/** The running seat: the one that `--seat` names by the beginning of its id, or the only one. Codes `no-seat`, `bad-input`. */
const findSeat = async (context: Context, { seat }: SeatOption): Promise<RunningSeat> => {
  const { seats, silent } = await lookForSeats(context.folders.sockets)
  const fitting = seat === undefined ? seats : seats.filter(({ seatId }) => seatId.startsWith(seat.toLowerCase()))
  if (fitting.length === 0) {
    const deaf = silent.find((seatId) => seatId.startsWith(seat?.toLowerCase() ?? ''))
    if (deaf)
      throw failure(
        'unavailable',
        `the seat ${deaf.slice(0, 8)} runs but does not answer: its process is stopped, or this machine is too busy`,
      )
    throw failure('no-seat', seat === undefined ? 'you are in no room' : `no running seat begins with "${seat}"`)
  }
  if (fitting.length > 1) {
    const known = fitting.map(({ seatId, title }) => `${seatId.slice(0, 8)} (${title})`).join(', ')
    throw failure('bad-input', `several seats run; name one with --seat: ${known}`)
  }
  return fitting[0]!
}
