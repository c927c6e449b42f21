import type { Context } from './context.ts'

export type Face = 'tui' | 'lines'

/** The full screen only on a terminal, and only where nothing else wants stdin or stdout. */
export const faceOf = async (
  context: Context,
  options: { jsonl?: boolean; detach?: boolean; microphone?: string; speaker?: string } = {},
): Promise<Face> => {
  const onTerminal = context.stdin.isTTY === true && context.stdout.isTTY === true
  const taken = options.jsonl || options.detach || options.microphone === 'stdin' || options.speaker === 'stdout'
  if (!onTerminal || taken || context.flags().plain) return 'lines'
  return (await context.setting('face')) === 'plain' ? 'lines' : 'tui'
}
