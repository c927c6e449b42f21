import { createReadStream } from 'node:fs'
import { appendFile, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { RunLine } from './as-run.ts'

export type RunLog = {
  append(line: RunLine): void
  /** Not on the disk yet, or perhaps not. */
  unwritten(): RunLine[]
  flush(): Promise<void>
}

/** Appends to a session's as-run log. What a full disk refuses is kept and written as soon as there is room again. */
export const openRunLog = (file: string, onWarning: (message: string) => void): RunLog => {
  const waiting: RunLine[] = []
  let writing: Promise<void> | undefined
  let isFailing = false
  let isOpened = false

  const writeAll = async () => {
    while (waiting.length > 0) {
      const count = waiting.length
      if (!isOpened) await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      const heal = !isOpened && (await endsInHalfALine(file)) ? '\n' : ''
      isOpened = true
      const text = waiting.map((line) => JSON.stringify(line)).join('\n')
      await appendFile(file, `${heal}${text}\n`, { mode: 0o600 })
      waiting.splice(0, count)
    }
  }
  const run = async () => {
    try {
      await writeAll()
      if (isFailing) onWarning('The as-run log is written again; nothing is missing.')
      isFailing = false
    } catch (error) {
      // Half of it may have been written.
      isOpened = false
      if (!isFailing) onWarning(`The as-run log cannot be written for now: ${(error as Error).message}.`)
      isFailing = true
    }
    writing = undefined
  }
  const flush = () => {
    if (waiting.length > 0) writing ??= run()
    return writing ?? Promise.resolve()
  }
  return {
    append: (line) => {
      waiting.push(line)
      void flush()
    },
    unwritten: () => [...waiting],
    flush,
  }
}

/** As many lines as may have been written twice over a full disk. */
const TWICE_WITHIN = 1000

/** The lines that are whole; half of one that a crash or a full disk left is passed over, and a line written twice counts once. */
export async function* readRunLog(file: string): AsyncGenerator<RunLine> {
  const latest = new Set<string>()
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })
  for await (const text of lines) {
    if (latest.has(text)) continue
    latest.add(text)
    if (latest.size > TWICE_WITHIN) latest.delete(latest.values().next().value!)
    try {
      yield JSON.parse(text) as RunLine
    } catch {}
  }
}

const endsInHalfALine = async (file: string): Promise<boolean> => {
  const handle = await open(file, 'r').catch(() => null)
  if (!handle) return false
  try {
    const { size } = await handle.stat()
    if (size === 0) return false
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
    return buffer[0] !== 10
  } finally {
    await handle.close()
  }
}
