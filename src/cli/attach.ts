import type { SeatClient } from '../client/seat.ts'
import type { SeatEvent } from '../protocol/seat.ts'
import type { AttachOptions } from './commands/attach.ts'
import type { Context } from './context.ts'
import { faceOf } from './face.ts'
import { attachSeat, exitCodeOfStay } from './seat.ts'

/** Shows a running seat by one of the faces until it leaves. */
export const attach = async (context: Context, options: AttachOptions): Promise<void> => {
  const face = await faceOf(context, options)
  const seat = await attachSeat(context, options)
  if (options.jsonl) {
    const { followEvents } = await import('./seat-events.ts')
    const reason = await followEvents(context, seat, options)
    return reason === undefined ? undefined : context.exitWith(exitCodeOfStay(reason, seat.state()))
  }
  if (face === 'lines') await sayWhatWas(context, seat)
  const { showSeat } = await import('./hallway.ts')
  context.exitWith((await showSeat(context, seat, face)) || exitCodeOfStay('left', seat.state()))
}

/** The room, who speaks, your microphone with what you missed. */
const sayWhatWas = async ({ output }: Context, seat: SeatClient) => {
  const { describeReturn } = await import('../tui/lines/return.ts')
  const missed: SeatEvent[] = []
  // What came before the first listener is handed over at once.
  seat.onEvent((event) => missed.push(event))()
  const state = seat.state()
  if (state) output.line(describeReturn(state, missed, Date.now()))
}
