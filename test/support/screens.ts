import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import type { Terminal } from './tmux.ts'

const folder = fileURLToPath(new URL('../e2e/screens', import.meta.url))
/** The last is the one that a terminal has between two pictures. */
const sizes: [columns: number, rows: number][] = [
  [120, 40],
  [40, 15],
  [80, 24],
]
const isWriting = process.env.ROOMTONE_SCREENS === 'write'

/**
 * Holds what the terminal shows at each size against the pictures of that name in test/e2e/screens.
 * With ROOMTONE_SCREENS=write the pictures are what is shown; a person then looks at them.
 */
export const looksAs = async (terminal: Terminal, name: string): Promise<void> => {
  const file = join(folder, `${name}.txt`)
  const known = isWriting ? '' : readFileSync(file, 'utf8')
  let pictures = ''
  for (const [columns, rows] of sizes) {
    const before = terminal.written()
    terminal.resize(columns, rows)
    const picture = isWriting
      ? await restingPicture(terminal, columns, rows, before)
      : await knownPicture(terminal, columns, rows, known, file)
    pictures += picture
  }
  if (!isWriting) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, pictures)
}

const pictureOf = (terminal: Terminal, columns: number, rows: number): string => {
  const lines = terminal.screen().split('\n').slice(0, rows)
  return `${`${columns}x${rows} `.padEnd(columns, '=')}\n${lines.map((line) => `${line.trimEnd()}\n`).join('')}`
}

const knownPicture = (terminal: Terminal, columns: number, rows: number, known: string, file: string) =>
  eventually(
    () => {
      const picture = pictureOf(terminal, columns, rows)
      if (known.includes(picture)) return picture
      throw new Error(`\n${picture}`)
    },
    { withinMs: 10_000, everyMs: 30, what: `the terminal shows what is in ${file} (ROOMTONE_SCREENS=write renews it)` },
  )

/** What is shown once it has been drawn at the new size and has not changed for a while. */
const restingPicture = async (terminal: Terminal, columns: number, rows: number, before: number) => {
  let [written, since] = [before, 0]
  await eventually(
    () => {
      const now = terminal.written()
      if (now !== written) [written, since] = [now, performance.now()]
      return since > 0 && performance.now() - since > 400
    },
    { withinMs: 10_000, everyMs: 50, what: `a picture at ${columns}x${rows} that rests` },
  )
  return pictureOf(terminal, columns, rows)
}
