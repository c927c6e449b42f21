import { createInterface, type Interface } from 'node:readline'
import { ReadStream } from 'node:tty'
import { cleanLine } from '../../protocol/text.ts'

/**
 * What came in: a typed line, or the end of input. On a terminal that is Ctrl+D, and then more may come; or the terminal itself
 * is gone.
 */
type Typed = { line: string } | { end: 'terminal' | 'pipe' | 'gone' }

export type TalkOptions = {
  /** Undefined where something else reads it: nothing can be typed. */
  stdin: NodeJS.ReadStream | undefined
  /** One line of result. */
  say: (text: string) => void
  /** One line beside it: a refusal, a hint. */
  note: (text: string) => void
  /** Enter was pressed while lines are held, which come after this. */
  onPull: () => void
}

export type Talk = {
  /** An answer: at once, whatever is held. */
  say: (text: string) => void
  /** A refusal or a hint. */
  note: (text: string) => void
  /** News; held until Enter while `pull` is on, unless it is about you and you have just typed. */
  tell: (text: string, isAboutYou: boolean) => void
  /** Says what was held; how many lines that was. */
  release: () => number
  setPull: (isOn: boolean) => void
  /** The last lines said, oldest first. */
  again: (count: number) => string[]
  /** The next typed line, or what `until` gives when that is there first. */
  next: {
    (): Promise<Typed>
    <T>(until: Promise<T>): Promise<Typed | { until: T }>
  }
  /** Where input comes from now: after Ctrl+D it is another stream of the same terminal. */
  stdin: () => NodeJS.ReadStream | undefined
  /** Gives stdin back, paused. */
  close: () => void
}

const keptLines = 200
const justTypedMs = 2_000

/** Plain lines out, typed lines in. Nothing but text and line feeds is written: no escapes, no characters that draw. */
export const startTalk = (options: TalkOptions): Talk => {
  const input = readTyped(options.stdin)
  const said: string[] = []
  let held: string[] = []
  let leftOut = 0
  let isPull = false
  let typedAtMs = Number.NEGATIVE_INFINITY

  const say = (text: string) => {
    const plain = plainText(text)
    said.push(...plain.split('\n'))
    said.splice(0, said.length - keptLines)
    options.say(plain)
  }
  const hold = (text: string) => {
    held.push(text)
    if (held.length <= keptLines) return
    held.shift()
    leftOut += 1
  }
  const release = (): number => {
    const texts = held
    held = []
    if (leftOut > 0) say(`${leftOut} older lines are left out.`)
    leftOut = 0
    for (const text of texts) say(text)
    return texts.length
  }
  const takeEnter = (line: string) => {
    typedAtMs = performance.now()
    if (isPull) options.onPull()
    if (release() === 0 && isPull && line.trim() === '') options.note('Nothing new.')
  }

  return {
    say,
    note: (text) => options.note(plainText(text)),
    tell: (text, isAboutYou) => {
      const isAnswer = isAboutYou && performance.now() - typedAtMs < justTypedMs
      if (isPull && !isAnswer) hold(text)
      else say(text)
    },
    release,
    setPull: (isOn) => {
      isPull = isOn
    },
    again: (count) => said.slice(-count),
    next: async (until?: Promise<unknown>) => {
      const come = await input.next(until)
      if ('line' in come) takeEnter(come.line)
      return come as never
    },
    stdin: input.stream,
    close: input.close,
  }
}

/** Others' text may hold what draws: box, block and braille characters are read out by the hundred, or not at all. */
const plainText = (text: string): string =>
  text
    .split('\n')
    .map((line) => `${/^ */.exec(line)![0]}${cleanLine(line.replace(drawing, ' ').replace(/ +(?=[.,:;]( |$))/g, ''))}`)
    .join('\n')

const drawing = /[\u2500-\u259f\u2800-\u28ff]+/gu

/** Lines wait until they are asked for, so that what is typed ahead reaches the place it is meant for. */
const readTyped = (stdin: NodeJS.ReadStream | undefined) => {
  const waiting: Typed[] = []
  let take: ((typed: Typed) => void) | undefined
  let stream = stdin
  let lines: Interface | undefined
  let isClosed = false

  const give = (typed: Typed) => {
    if (take) take(typed)
    else waiting.push(typed)
  }
  const open = (from: NodeJS.ReadStream) => {
    stream = from
    // Never `terminal: true`: the terminal itself echoes and edits the line, and nothing but text is written.
    ;(from as { ref?: () => void }).ref?.()
    lines = createInterface({ input: from, terminal: false })
    lines.on('line', (line) => give({ line }))
    lines.once('close', () => !isClosed && ended(from))
    from.on('error', ignore)
  }
  const ended = (from: NodeJS.ReadStream) => {
    if (!from.isTTY) return give({ end: 'pipe' })
    try {
      open(new ReadStream(0))
      give({ end: 'terminal' })
    } catch {
      give({ end: 'gone' })
    }
  }
  if (stdin) open(stdin)

  return {
    next: (until?: Promise<unknown>): Promise<Typed | { until: unknown }> => {
      const first = waiting.shift()
      if (first) return Promise.resolve(first)
      return new Promise((resolve, reject) => {
        const mine = (typed: Typed) => {
          take = undefined
          resolve(typed)
        }
        take = mine
        // What was waited for may come much later, when somebody else waits for the next line.
        const stop = () => {
          if (take === mine) take = undefined
        }
        until?.then(
          (value) => {
            stop()
            resolve({ until: value })
          },
          (error) => {
            stop()
            reject(error)
          },
        )
      })
    },
    stream: () => stream,
    close: () => {
      isClosed = true
      lines?.close()
      stream?.pause()
      stream?.off('error', ignore)
      ;(stream as { unref?: () => void } | undefined)?.unref?.()
    },
  }
}

const ignore = () => {}
