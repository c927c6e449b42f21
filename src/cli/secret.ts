import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** A short-lived token as given: itself, `@FILE`, or `-` for stdin. */
export const readToken = async (context: Context, given: string): Promise<string> => {
  const token =
    given === '-' ? await text(context.stdin) : given.startsWith('@') ? await readFile(given.slice(1), 'utf8') : given
  if (token.trim() === '') throw failure('bad-input', 'the token is empty')
  return token.trim()
}
