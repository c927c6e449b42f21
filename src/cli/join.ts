import { type SeatClient, startSeat } from '../client/seat.ts'
import type { JoinOptions } from './commands/join.ts'
import type { Context } from './context.ts'
import { faceOf } from './face.ts'
import { exitCodeOfLeaving, failure } from './failure.ts'
import { seatOptions } from './seat-options.ts'

/** Starts a seat and shows it by one of its faces until it leaves; with --detach, until it is in the room. */
export const join = async (context: Context, room: string | undefined, options: JoinOptions): Promise<void> => {
  checkCombination(options)
  const face = await faceOf(context, options)
  const seat = await startSeat(await seatOptions(context, room, options))
  context.onClose(() => seat.close())
  if (face === 'tui') {
    const { showSeat } = await import('./hallway.ts')
    return context.exitWith(await showSeat(context, seat))
  }
  const reason = await followSeat(context, seat, options)
  if (reason !== undefined) context.exitWith(exitCodeOfLeaving(reason))
}

const checkCombination = ({ jsonl, speaker, microphone, detach }: JoinOptions): void => {
  if (jsonl && speaker === 'stdout') throw failure('bad-input', '--jsonl and --speaker stdout both want stdout')
  if (detach && (speaker === 'stdout' || microphone === 'stdin'))
    throw failure('bad-input', 'a detached seat has no stdin and no stdout')
}

/** The reason why the seat left; undefined when it was detached and runs on. */
const followSeat = async (context: Context, seat: SeatClient, options: JoinOptions): Promise<string | undefined> => {
  const { followInLines } = await import('./seat-lines.ts')
  return followInLines(context, seat, {
    jsonl: options.jsonl === true,
    detach: options.detach === true,
    readsCommands: options.microphone !== 'stdin' && !options.detach,
    soundOnStdout: options.speaker === 'stdout',
  })
}
