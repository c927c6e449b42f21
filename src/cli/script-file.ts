import { resolve } from 'node:path'
import { loadScript } from '../bot/script/load.ts'
import type { SessionScript } from '../bot/script/script.ts'
import { type Problem, problemLine, type ScriptError } from '../yaml/problem.ts'
import type { Context } from './context.ts'
import { type Failure, failure } from './failure.ts'

/** The script at a path the user gave; a broken one is refused. */
export const scriptAt = (context: Context, path: string, variant?: string): Promise<SessionScript> =>
  loadScript(resolve(context.workingFolder, path), { variant }).catch((error: ScriptError) => {
    throw error.code === 'bad-script' ? refusalOf(context, error.problems) : error
  })

/** `bad-input` with the first problem and its place; the others are noted now. At least one problem. */
export const refusalOf = ({ output, workingFolder }: Context, problems: readonly Problem[]): Failure => {
  for (const problem of problems.slice(1)) output.note(problemLine(problem, workingFolder))
  return failure('bad-input', problemLine(problems[0]!, workingFolder))
}
