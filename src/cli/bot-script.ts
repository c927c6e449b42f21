import { resolve } from 'node:path'
import { loadScript } from '../bot/script/load.ts'
import { problemLine, type ScriptError } from '../bot/script/problem.ts'
import type { SessionScript } from '../bot/script/script.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** The script at a path the user gave; all that is wrong with it is told, with its places, and refused as `bad-input`. */
export const scriptAt = (context: Context, path: string, variant?: string): Promise<SessionScript> => {
  const { output, workingFolder } = context
  return loadScript(resolve(workingFolder, path), { variant }).catch((error: ScriptError) => {
    if (error.code !== 'bad-script') throw error
    for (const problem of error.problems.slice(1)) output.note(problemLine(problem, workingFolder))
    throw failure('bad-input', problemLine(error.problems[0]!, workingFolder))
  })
}
