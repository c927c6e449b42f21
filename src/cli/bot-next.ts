import { datesOf, type Skipped } from '../schedule/occurrences.ts'
import type { Occurrence } from '../schedule/schedule.ts'
import { parseWallMs } from '../schedule/wall.ts'
import { instantsOf, type Zone, zoneOf } from '../schedule/zone.ts'
import type { BotNextOptions } from './commands/bot-next.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'
import { scriptAt } from './script-file.ts'

const MAX_COUNT = 1000

/** When a session is held next, in its own zone and in UTC, and what is left out in between and why. */
export const botNext = async (context: Context, path: string, options: BotNextOptions): Promise<void> => {
  const count = countOf(options.count)
  const { output } = context
  const { name, schedule } = await scriptAt(context, path)
  const dates = schedule === null ? [] : [...datesOf(schedule, { fromMs: Date.now(), count })]
  if (options.json) return output.json(documentOf(name, schedule?.zone ?? null, dates))
  if (schedule === null) return output.line(`${name} has no schedule: it is held when somebody runs it.`)
  if (dates.length === 0) return output.line(`${name} is over: its schedule names no more dates.`)
  output.note(`${name}, ${schedule.zone}`)
  const rows = dates.map((date) => rowOf(date, zoneOf(schedule.zone)))
  output.table(LABELS, output.isPlain ? rows : [LABELS.map((label) => label.toUpperCase()), ...rows])
}

const countOf = (text: string): number => {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_COUNT) return count
  throw failure('bad-input', `--count wants a number from 1 to ${MAX_COUNT}, not "${text}"`)
}

const documentOf = (session: string, zone: string | null, dates: (Occurrence | Skipped)[]) => ({
  session,
  zone,
  next: dates.flatMap((date) =>
    'why' in date ? [] : [{ at: new Date(date.atMs).toISOString(), local: date.local, ruled: date.ruled }],
  ),
  skipped: dates.flatMap((date) => ('why' in date ? [{ ruled: date.ruled, why: date.why }] : [])),
})

const LABELS = ['local', 'utc', 'note']

const reasons = {
  except: 'left out: an exception',
  gap: 'left out: the clocks are put forward over it',
}

const rowOf = (date: Occurrence | Skipped, zone: Zone): string[] =>
  'why' in date
    ? [clockText(date.ruled), '-', reasons[date.why]]
    : [clockText(date.local), `${shorter(new Date(date.atMs).toISOString().slice(0, 19))}Z`, noteOf(date, zone)]

const noteOf = ({ atMs, local, ruled }: Occurrence, zone: Zone): string => {
  if (local !== ruled) return `there is no ${shorter(ruled.slice(11))} that day`
  const { atMs: both } = instantsOf(parseWallMs(local) as number, zone)
  return both.length < 2 ? '' : `the ${atMs === both[0] ? 'first' : 'second'} of two`
}

/** `Mon 2027-03-01 07:00` */
const clockText = (local: string): string => {
  const weekday = new Intl.DateTimeFormat('en', { weekday: 'short', timeZone: 'UTC' }).format(parseWallMs(local))
  return `${weekday} ${shorter(local).replace('T', ' ')}`
}

/** Without the seconds where there are none. */
const shorter = (time: string): string => (time.length > 5 ? time.replace(/(:\d\d):00$/, '$1') : time)
