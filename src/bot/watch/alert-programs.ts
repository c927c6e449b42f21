import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Place, SessionScript } from '../script/script.ts'

/** The programs that a script's alerts name and nobody could run here; `path` is PATH as alerts are given it. */
export const missingPrograms = async (
  { alerts }: SessionScript,
  path: string,
): Promise<{ place: Place; message: string }[]> => {
  const missing = await Promise.all(
    alerts.map(async (alert) => {
      if (!('command' in alert)) return []
      const [program] = alert.command as [string]
      const candidates = /[/\\]/.test(program)
        ? [program]
        : path.split(delimiter).map((folder) => join(folder, program))
      const found = await Promise.all(candidates.map(canRun))
      if (found.includes(true)) return []
      return [{ place: alert.place, message: `the alert's program ${program} is not there, or may not be run` }]
    }),
  )
  return missing.flat()
}

const canRun = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
