import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rebind } from '../tui/bindings.ts'
import type { Context } from './context.ts'

export const keyFile = (context: Context): string => join(context.folders.config, 'keys.yaml')

/** The key table with what the file changes; a file that cannot be used is one sentence, and the keys are as usual. */
export const readKeyFile = async (file: string): Promise<ReturnType<typeof rebind>> => {
  if (!existsSync(file)) return rebind(undefined)
  const { parseYaml } = await import('./yaml.ts')
  let wanted: unknown
  try {
    wanted = parseYaml(readFileSync(file, 'utf8'))
  } catch {
    wanted = 'unreadable'
  }
  const { table, problem } = rebind(wanted)
  return problem === undefined ? { table } : { table, problem: `keys.yaml: ${problem}.` }
}
