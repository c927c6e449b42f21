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

export const canShowScreen = (context: Context, options: Taking = {}): boolean =>
  isOnTerminal(context) && !takesStreams(options) && !isDumb(context)

export const isOnTerminal = ({ stdin, stdout }: Context): boolean => stdin.isTTY === true && stdout.isTTY === true

const isDumb = ({ env }: Context): boolean => env.TERM === 'dumb'

/** Something else wants stdin or stdout. */
const takesStreams = ({ jsonl, detach, microphone, speaker }: Taking): boolean =>
  jsonl === true || detach === true || microphone === 'stdin' || speaker === 'stdout'
