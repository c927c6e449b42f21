import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { SessionScript } from '../bot/script/script.ts'
import type { ProgramAnswer, ProgramCommand } from '../protocol/program.ts'
import { cleanLine } from '../protocol/text.ts'
import { CONTROL } from './bot-run-teller.ts'
import type { BotWatch } from './bot-watch.ts'
import type { Context } from './context.ts'
import { codeOf, failure, sentenceOf } from './failure.ts'
import { programCommandOf, programUsage } from './program-words.ts'

/** Commands from stdin, each answered on stdout: a line, or with `--jsonl` an event `answer`. */
export const startControl = (
  { stdin, output }: Context,
  scripts: readonly SessionScript[],
  { command }: Pick<BotWatch, 'command'>,
  { jsonl }: { jsonl?: boolean },
): (() => void) => {
  if (scripts.some(readsStdin))
    throw failure('bad-input', 'stdin cannot bring both commands (--control) and the sound of a cue')
  return followControl({
    stdin,
    sessions: scripts.map(({ name }) => name),
    command: (session, wanted) => command(session, wanted, CONTROL),
    onAnswer: (answer) => {
      if (jsonl) output.event({ at: new Date().toISOString(), type: 'answer', ...answer })
      else output.line(answer.message)
    },
  })
}

const readsStdin = ({ cues }: SessionScript): boolean =>
  cues.some(({ action }) => action.kind === 'play' && action.items.some(({ item }) => item.kind === 'stdin'))

export type ControlOptions = {
  stdin: Readable
  sessions: readonly string[]
  command(session: string, command: ProgramCommand): Promise<ProgramAnswer>
  /** One for each line, in the order of the lines. */
  onAnswer(answer: { session: string | null; line: string } & ProgramAnswer): void
}

/** Reads commands from a stream, one a line; its end ends the reading alone. Returns what stops it. */
export const followControl = ({ stdin, sessions, command, onAnswer }: ControlOptions): (() => void) => {
  const lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })
  const obey = async (line: string) => {
    let session: string | null = null
    try {
      const wanted = readControl(line, sessions)
      session = wanted.session
      onAnswer({ session, line, ...(await command(session, wanted.command)) })
    } catch (error) {
      onAnswer({ session, line, ok: false, code: codeOf(error) ?? 'failed', message: sentenceOf(error) })
    }
  }
  let last = Promise.resolve()
  lines.on('line', (text) => {
    const line = cleanLine(text)
    if (line !== '' && !line.startsWith('#')) last = last.then(() => obey(line))
  })
  return () => lines.close()
}

/** `pause`, or `morning-sit pause` where several sessions are hosted. Throws `bad-input` with a sentence. */
export const readControl = (
  line: string,
  sessions: readonly string[],
): { session: string; command: ProgramCommand } => {
  const [first = '', ...rest] = line.trim().split(/\s+/)
  if (sessions.includes(first) && !(Object.hasOwn(programUsage, first) && rest.length === 0)) {
    const [verb = '', ...words] = rest
    return { session: first, command: programCommandOf(verb, words) }
  }
  const command = programCommandOf(first, rest)
  if (sessions.length > 1)
    throw failure('bad-input', `several sessions are hosted: write the name first, ${sessions[0]} ${first}`)
  return { session: sessions[0]!, command }
}
