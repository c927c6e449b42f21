import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { failure } from './failure.ts'

/** Writes a JSON file that only its owner can read, whole or not at all. */
export const writePrivateFile = async (file: string, value: unknown): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, `${JSON.stringify(value)}\n`, { mode: 0o600 })
  await rename(draft, file)
}

/** Undefined when there is none; one that does not fit is an error that names it. */
export const readPrivateFile = async <T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> => {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw failure('bad-config', `${file} is not valid JSON: mend it or remove it`)
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw failure('bad-config', `${file} does not hold what belongs there: mend it or remove it`)
  return parsed.data
}
