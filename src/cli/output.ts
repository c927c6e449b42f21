import type { Writable } from 'node:stream'
import { sentenceOf } from './failure.ts'

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Results go to stdout, everything else to stderr. */
export type Output = {
  readonly isTerminal: boolean
  readonly color: boolean
  /** Nothing but text and line feeds is to be written. */
  readonly isPlain: boolean
  /** One line of a result. */
  line(text: string): void
  /** The one document of `--json`. */
  json(document: unknown): void
  /** One event of `--jsonl`. */
  event(event: unknown): void
  /** A row for each thing: columns two spaces apart; with --plain a record each, `label: value` by the labels. */
  table(labels: readonly string[], rows: readonly (readonly string[])[]): void
  /** One thing: a label and a value a line. */
  facts(facts: readonly (readonly string[])[]): void
  /** Said beside the result, and with --quiet, too: without it the user could not go on. */
  needed(text: string): void
  /** Something said beside the result; silent with --quiet. */
  note(text: string): void
  /** Said only with --verbose. */
  detail(text: string): void
  /** One sentence about what went wrong; a stack trace only when asked for. */
  problem(error: unknown): void
  paint(style: Style, text: string): string
}

export type OutputOptions = {
  stdout: Writable & { isTTY?: boolean }
  stderr: Writable & { isTTY?: boolean }
  color: boolean
  /** The same for stderr. */
  errorColor: boolean
  quiet: boolean
  verbose: boolean
  /** Plain lines are wanted: no columns and no colour. May become known only while the command runs. */
  isPlain: () => boolean
  /** ROOMTONE_DEBUG: stack traces. */
  debug: boolean
}

export const createOutput = (options: OutputOptions): Output => {
  const { stdout, stderr, isPlain } = options
  const paint = (style: Style, text: string) => (options.color && !isPlain() ? painting(style, text) : text)
  const say = (text: string) => void stderr.write(`${text}\n`)
  return {
    isTerminal: stdout.isTTY === true,
    get color() {
      return options.color && !isPlain()
    },
    get isPlain() {
      return isPlain()
    },
    line: (text) => void stdout.write(`${text}\n`),
    json: (document) => void stdout.write(`${jsonOf(document, 2)}\n`),
    event: (event) => void stdout.write(`${jsonOf(event)}\n`),
    table: (labels, rows) => {
      for (const row of isPlain() ? records(labels, rows) : columns(rows)) stdout.write(`${row}\n`)
    },
    facts: (facts) => {
      for (const row of isPlain() ? record(facts) : columns(facts)) stdout.write(`${row}\n`)
    },
    needed: say,
    note: (text) => {
      if (!options.quiet) say(text)
    },
    detail: (text) => {
      if (options.verbose) say(text)
    },
    problem: (error) => {
      say(`${options.errorColor && !isPlain() ? painting('red', 'roomtone:') : 'roomtone:'} ${sentenceOf(error)}`)
      if ((options.debug || options.verbose) && error instanceof Error && error.stack) say(error.stack)
    },
    paint,
  }
}

// JSON escapes the controls that came first; a terminal obeys those from U+007F on, too.
const jsonOf = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  )

/** Whether colour may be used on a stream: NO_COLOR (any value), TERM=dumb, --no-color and pipes say no. */
export const wantsColor = (isTerminal: boolean, flag: boolean | undefined, env: NodeJS.ProcessEnv): boolean =>
  isTerminal && flag !== false && !env.NO_COLOR && env.TERM !== 'dumb'

/** Rows as lines of `label: value`, an empty line between two rows; what is empty is left out. */
const records = (labels: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  rows.flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    ...record(labels.map((label, column) => [label, row[column] ?? ''])),
  ])

const record = (facts: readonly (readonly string[])[]): string[] =>
  facts.filter(([, value]) => value !== '').map(([label, value]) => `${label}: ${value}`)

/** Rows as text lines; the last column is never padded. Widths count code points, wide ones (CJK, emoji) as two. */
export const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell))))
      .join('  ')
      .trimEnd(),
  )
}

const painting = (style: Style, text: string) => `\u001b[${codes[style]}m${text}\u001b[0m`
const codes: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 }

const painted = /\u001b\[\d+m/g
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const widthOf = (text: string): number => {
  let width = 0
  for (const character of text.replace(painted, ''))
    width += /\p{M}/u.test(character) ? 0 : wide.test(character) ? 2 : 1
  return width
}
