import { startSeat } from '../client/seat.ts'
import type { JoinOptions } from './commands/join.ts'
import type { Context } from './context.ts'
import { faceOf } from './face.ts'
import { failure } from './failure.ts'
import { exitCodeOfStay } from './seat.ts'
import { seatOptions } from './seat-options.ts'

/** Starts a seat and shows it by one of its faces until it leaves; with --detach, until it is in the room. */
export const join = async (context: Context, room: string | undefined, given: JoinOptions): Promise<void> => {
  const options = {
    ...given,
    microphone: await context.setting('microphone', given.microphone),
    speaker: await context.setting('speaker', given.speaker),
    noise: await context.setting('noise', given.noise),
  }
  checkCombination(context, options)
  const face = await faceOf(context, options)
  const seat = await startSeat({ ...(await seatOptions(context, room, options)), onWaiting: context.output.note })
  context.onClose(() => seat.close())
  if (options.jsonl || options.detach) {
    const { followEvents } = await import('./seat-events.ts')
    const reason = await followEvents(context, seat, options)
    return reason === undefined ? undefined : context.exitWith(exitCodeOfStay(reason, seat.state()))
  }
  const { showSeat } = await import('./hallway.ts')
  context.exitWith((await showSeat(context, seat, face, options)) || exitCodeOfStay('left', seat.state()))
}

/** Refuses options that want the same standard stream, or sound from or to a terminal. */
export const checkCombination = (
  { stdin, stdout }: Context,
  { jsonl, speaker, microphone, detach }: JoinOptions,
): void => {
  if (jsonl && speaker === 'stdout') throw failure('bad-input', '--jsonl and --speaker stdout both want stdout')
  if (detach && (speaker === 'stdout' || microphone === 'stdin'))
    throw failure('bad-input', 'a detached seat has no stdin and no stdout')
  if (microphone === 'stdin' && stdin.isTTY)
    throw failure('bad-input', '--microphone stdin wants sound by a pipe (s16le, 48 kHz, mono), not from a terminal')
  if (speaker === 'stdout' && stdout.isTTY)
    throw failure('bad-input', '--speaker stdout writes sound (s16le, 48 kHz, mono) into a pipe, not on a terminal')
}
