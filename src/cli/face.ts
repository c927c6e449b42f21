import { once } from 'node:events'
import type { Face } from '../tui/faces.ts'
import type { Context } from './context.ts'

type Taking = { jsonl?: boolean; detach?: boolean; microphone?: string; speaker?: string }

/**
 * Which face shows a seat: the one that was asked for (--plain, ROOMTONE_FACE, config), else the full screen on every terminal
 * that is not a dumb one. Lines alone where the full screen cannot be.
 */
export const faceOf = async (context: Context, options: Taking = {}): Promise<Face> => {
  if (!isOnTerminal(context) || takesStreams(options) || context.flags().plain) return 'lines'
  const face = await context.setting('face')
  if (face === undefined) return isDumb(context) ? 'lines' : 'screen'
  return face === 'plain' ? 'lines' : 'screen'
}

/** Whether lines were asked for, and are not only what is left on a pipe. */
export const wantsLines = async (context: Context): Promise<boolean> =>
  context.flags().plain === true || (await context.setting('face')) === 'plain'

/** A pipe that is empty at its end, as /dev/null is, ends within this; one that is still open is somebody's to type into. */
const END_WITHIN_MS = 1_000

/** Whether words come on stdin, or may: anything but an end at once. */
export const canBeToldWords = async ({ stdin }: Context): Promise<boolean> => {
  if (stdin.isTTY) return true
  try {
    await once(stdin, 'readable', { signal: AbortSignal.timeout(END_WITHIN_MS) })
  } catch (error) {
    return (error as Error).name === 'AbortError'
  }
  // Readable with nothing to read is the end.
  return stdin.readableLength > 0
}

export const canShowScreen = (context: Context, options: Taking = {}): boolean =>
  isOnTerminal(context) && !takesStreams(options) && !isDumb(context)

export const isOnTerminal = ({ stdin, stdout }: Context): boolean => stdin.isTTY === true && stdout.isTTY === true

const isDumb = ({ env }: Context): boolean => env.TERM === 'dumb'

/** Something else wants stdin or stdout. */
const takesStreams = ({ jsonl, detach, microphone, speaker }: Taking): boolean =>
  jsonl === true || detach === true || microphone === 'stdin' || speaker === 'stdout'
