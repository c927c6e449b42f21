import type { Rule } from './rule.ts'
import { scheduleError } from './schedule-error.ts'

/**
 * Minute, hour, day of the month, month and day of the week (0 and 7 are Sunday), with lists, ranges, steps and English names, as
 * crontab(5) has them: where both kinds of days are said, one of them is enough.
 */
export const parseCron = (text: string): Rule => {
  const fields = text.trim().toUpperCase().split(/\s+/)
  const [byMinute, byHour, byMonthDay, byMonth, weekdays] = ranges.map((range, index) =>
    numbersOf(fields[index] as string, range),
  ) as [Numbers, Numbers, Numbers, Numbers, Numbers]
  // Sunday is the last day here, and the first there.
  const byDay =
    weekdays && [...new Set(weekdays.map((day) => (day + 6) % 7))].map((weekday) => ({ weekday, nth: null }))
  const isEitherDay = byMonthDay !== null && byDay !== null
  // All of them mean the same; calendars show the plainest one best.
  const freq = isEitherDay || byMonthDay === byDay ? 'DAILY' : byDay === null ? 'MONTHLY' : 'WEEKLY'
  return {
    freq,
    interval: 1,
    count: null,
    untilMs: null,
    byMonth,
    byWeekNo: null,
    byYearDay: null,
    byMonthDay,
    byDay,
    byHour: byHour ?? upTo(0, 23),
    byMinute: byMinute ?? upTo(0, 59),
    bySecond: [0],
    bySetPos: null,
    weekStart: 0,
    isEitherDay,
  }
}

type Numbers = number[] | null
type Range = { name: string; min: number; max: number; names?: string }

const ranges: Range[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: '   JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC' },
  { name: 'day of the week', min: 0, max: 7, names: 'SUNMONTUEWEDTHUFRISAT' },
]

const numbersOf = (field: string, range: Range): Numbers => {
  if (field === '*') return null
  return [...new Set(field.split(',').flatMap((piece) => pieceOf(piece, range)))].sort((a, b) => a - b)
}

const pieceOf = (piece: string, range: Range): number[] => {
  const match = /^(?:\*|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:\/(\d{1,2}))?$/.exec(piece)
  if (match === null) throw wrong(piece, range, '')
  const [, low, high, step] = match
  const first = low === undefined ? range.min : numberOf(low, range)
  const last = low === undefined ? range.max : high === undefined ? first : numberOf(high, range)
  if (low !== undefined && high === undefined && step !== undefined)
    throw wrong(piece, range, `: steps go through a range, ${low}-${range.max}/${step}`)
  if (last < first) throw wrong(piece, range, ': a range goes upwards')
  if (step === '0') throw wrong(piece, range, ': a step is at least 1')
  return upTo(first, last, Number(step ?? 1))
}

const numberOf = (text: string, range: Range): number => {
  const named = text.length === 3 && range.names !== undefined ? range.names.indexOf(text) : -1
  const number = named >= 0 ? named / 3 : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isInteger(number) && number >= range.min && number <= range.max) return number
  throw wrong(text, range, '')
}

const upTo = (first: number, last: number, step = 1): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step)

const wrong = (text: string, { name, min, max }: Range, why: string) =>
  scheduleError('rule', `The ${name} of a cron expression is from ${min} to ${max}, not ${JSON.stringify(text)}${why}`)
