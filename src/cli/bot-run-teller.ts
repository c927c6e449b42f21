import { isTrouble, logEntryOf } from './bot-run-log.ts'
import { sentenceOfHost } from './bot-run-words.ts'
import type { BotRunEvent, BotWatchOptions } from './bot-watch.ts'
import type { Context } from './context.ts'

/** Who wrote a command on stdin, as its answer and the log name them. */
export const CONTROL = 'stdin'

/** Tells what happens: as lines of JSON on stdout (`--jsonl`) or in words, and as a structured log on stderr (`--log json`). */
export const createTeller = async (
  context: Context,
  hasSeveral: boolean,
  { jsonl, log }: BotWatchOptions & { jsonl?: boolean },
): Promise<(event: BotRunEvent) => void> => {
  const inWords = log === undefined ? tellInWords(context, hasSeveral) : () => {}
  const tell = jsonl ? context.output.event : inWords
  if (log === undefined) return tell
  const { createLog } = await import('../server/log.ts')
  const write = createLog()
  const cues = new Map<string, string>()
  return (event) => {
    tell(event)
    if (event.type === 'began') cues.set(event.session, event.cue)
    const { level, name, facts } = logEntryOf(event, cues.get(event.session) ?? null)
    write(level, name, facts)
  }
}

/** Sentences, with the session's name where there are several. */
const tellInWords =
  ({ output }: Context, hasSeveral: boolean) =>
  (event: BotRunEvent) => {
    // Whoever wrote the command is answered on their line.
    if (event.type === 'command' && event.by === CONTROL) return
    const sentence = sentenceOfHost(event)
    if (sentence === null) return
    const line = `${hasSeveral ? `${event.session}: ` : ''}${isTrouble(event) ? 'warning: ' : ''}${sentence}`
    if (isTrouble(event)) output.note(line)
    else output.line(line)
  }
