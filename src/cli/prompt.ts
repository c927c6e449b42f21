import { createInterface } from 'node:readline/promises'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** Whether somebody sits there to be asked. */
export const canAsk = (context: Context): boolean => context.stdin.isTTY === true && context.stderr.isTTY === true

/** Asks one line on stderr; Ctrl+C and Ctrl+D end with code `interrupted`. */
export const ask = async (context: Context, question: string): Promise<string> => {
  // The terminal itself echoes and edits where no escape sequence may be written.
  const terminal = context.output.isPlain ? false : undefined
  const lines = createInterface({ input: context.stdin, output: context.stderr, terminal })
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = () => reject(failure('interrupted', 'stopped'))
      lines.once('SIGINT', stop)
      lines.once('close', stop)
      lines.question(question).then((answer) => resolve(answer.trim()), reject)
    })
  } finally {
    lines.close()
  }
}
