import type { SeatLine } from '../deps.ts'
import type { LineDeps, WayOut } from './deps.ts'
import { doOnMachine } from './machine.ts'
import type { NewsDesk } from './news.ts'
import type { Talk } from './talk.ts'
import type { Told } from './told.ts'
import { type Deed, type LinePlace, lineHelp } from './vocabulary.ts'

/** What all parts of line mode work with. */
export type Line = {
  deps: LineDeps
  talk: Talk
  told: Told
  news: NewsDesk
  /** The seat, while in a room. */
  seat: () => SeatLine | undefined
  /** Resolves with the exit code when Ctrl+C, a signal or the end of stdout's reader ends everything. */
  stopped: Promise<number>
  /** It was the terminal that went: the seat is not to leave. */
  isHungUp: () => boolean
}

/** As after the signal that a lost terminal sends, which may come later than the end of input. */
const goneCode = 130

type Next<T> = { line: string } | { until: T } | { exitCode: number }

/**
 * The next typed line outside a room. Ctrl+D asks once whether to quit; the end of a pipe quits with `endCode`, for nothing
 * more can be asked.
 */
export const nextLine = async <T = never>(line: Line, endCode: number, until?: Promise<T>): Promise<Next<T>> => {
  const { talk, stopped } = line
  const stop = stopped.then((exitCode) => ({ exitCode }))
  const other = until?.then((value) => ({ value }))
  const come = () => talk.next(other ? Promise.race([stop, other]) : stop)
  let typed = await come()
  if ('end' in typed && typed.end === 'terminal') {
    talk.say('Quit? Ctrl+D again or yes quits, anything else goes on.')
    typed = await come()
    const isYes = 'line' in typed ? /^y(es)?$/i.test(typed.line.trim()) : 'end' in typed && typed.end !== 'gone'
    if (isYes) return { exitCode: 0 }
  }
  if ('end' in typed) return { exitCode: typed.end === 'gone' ? goneCode : endCode }
  if ('line' in typed) return typed
  return 'exitCode' in typed.until ? typed.until : { until: typed.until.value }
}

/** By the opener of this machine. */
export const openLink = async ({ deps, talk }: Line, link: string): Promise<undefined> => {
  await deps.openLink(link)
  talk.say(`Opened elsewhere: ${link}`)
}

/** The words that mean the same everywhere. False: this is another's to do. */
export const doUsual = async (line: Line, deed: Deed, place: LinePlace): Promise<WayOut | boolean> => {
  const { deps, talk, told } = line
  switch (deed.does) {
    case 'help':
      talk.say(lineHelp(place))
      return true
    case 'kinds':
      talk.say(told.describe())
      return true
    case 'say':
      await switchKind(line, deed)
      return true
    case 'again': {
      const lines = talk.again(deed.count)
      // Not kept once more: `again 3` twice says the same three lines.
      if (lines.length > 0) deps.say(lines.join('\n'))
      return true
    }
    case 'suspend':
      if (deps.typedFrom?.isTTY) process.kill(process.pid, 'SIGTSTP')
      else talk.note('Only on a terminal.')
      return true
    case 'screen':
      if (deps.canShowScreen) return { toScreen: true }
      talk.note('This terminal cannot show the full screen.')
      return true
    default:
      return doOnMachine(line, deed)
  }
}

const switchKind = async ({ talk, told }: Line, { kind, isOn }: Extract<Deed, { does: 'say' }>) => {
  try {
    await told.set(kind, isOn)
  } catch (error) {
    return talk.note(`It holds for now, but could not be remembered: ${(error as Error).message}`)
  }
  if (kind !== 'pull') return talk.say(`${kind} ${isOn ? 'is said' : 'is not said'} by itself.`)
  talk.say(isOn ? 'Lines wait until you press Enter.' : 'Lines come as they happen.')
}
