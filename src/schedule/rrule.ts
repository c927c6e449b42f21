import { timeValue } from './content-lines.ts'
import { nearest } from './nearest.ts'
import { type Frequency, frequencies, type Rule, weekdays } from './rule.ts'
import { scheduleError } from './schedule-error.ts'
import { DAY_MS, parseDayMs, parseWallMs } from './wall.ts'
import { instantOf, type Zone } from './zone.ts'

/** `FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270630` with the parts of RFC 5545, 3.3.10, in any order and case; not SECONDLY. */
export const parseRrule = (text: string, zone: Zone): Rule => {
  const parts = partsOf(text)
  const numbers = (name: string, range: Range) => numbersOf(name, parts.get(name), range)
  const freq = freqOf(parts.get('FREQ'))
  const rule: Rule = {
    freq,
    interval: numbers('INTERVAL', { min: 1, max: 10_000, single: true })?.[0] ?? 1,
    count: numbers('COUNT', { min: 1, max: 10_000, single: true })?.[0] ?? null,
    untilMs: untilOf(parts.get('UNTIL'), zone),
    byMonth: numbers('BYMONTH', { min: 1, max: 12 }),
    byWeekNo: numbers('BYWEEKNO', { min: 1, max: 53, signed: true }),
    byYearDay: numbers('BYYEARDAY', { min: 1, max: 366, signed: true }),
    byMonthDay: numbers('BYMONTHDAY', { min: 1, max: 31, signed: true }),
    byDay: daysOf(parts.get('BYDAY')),
    byHour: numbers('BYHOUR', { min: 0, max: 23 }),
    byMinute: numbers('BYMINUTE', { min: 0, max: 59 }),
    bySecond: numbers('BYSECOND', { min: 0, max: 59 }),
    bySetPos: numbers('BYSETPOS', { min: 1, max: 366, signed: true }),
    weekStart: weekdayOf('WKST', parts.get('WKST') ?? 'MO'),
    isEitherDay: false,
  }
  const problem = misfits.find(([is]) => is(rule))
  if (problem) throw wrong(problem[1])
  return rule
}

type Range = { min: number; max: number; signed?: true; single?: true }

const names =
  'FREQ INTERVAL COUNT UNTIL BYMONTH BYWEEKNO BYYEARDAY BYMONTHDAY BYDAY BYHOUR BYMINUTE BYSECOND BYSETPOS WKST'
const partNames = names.split(' ')

/**
 * The rule as a calendar reads it; what the start says anyway is left out. UNTIL is in UTC, as it has to be beside a start with a zone. A
 * rule with `isEitherDay` has no such text.
 */
export const rruleText = (rule: Rule, startMs: number, zone: Zone): string => {
  const start = new Date(startMs)
  const unless = (own: number, numbers: number[] | null) =>
    numbers?.length === 1 && numbers[0] === own ? null : numbers
  const untilMs = rule.untilMs === null ? null : Math.floor(rule.untilMs / 1000) * 1000
  const until = untilMs === null ? null : `${timeValue(instantOf(untilMs, zone, { gap: 'shift' }) as number)}Z`
  const parts: [name: string, value: string | number | number[] | null][] = [
    ['FREQ', rule.freq],
    ['INTERVAL', rule.interval === 1 ? null : rule.interval],
    ['COUNT', rule.count],
    ['UNTIL', until],
    ['BYMONTH', rule.byMonth],
    ['BYWEEKNO', rule.byWeekNo],
    ['BYYEARDAY', rule.byYearDay],
    ['BYMONTHDAY', rule.byMonthDay],
    ['BYDAY', rule.byDay?.map(({ weekday, nth }) => `${nth ?? ''}${weekdays[weekday]}`).join() ?? null],
    [
      'BYHOUR',
      rule.freq === 'HOURLY' || rule.freq === 'MINUTELY' ? rule.byHour : unless(start.getUTCHours(), rule.byHour),
    ],
    ['BYMINUTE', rule.freq === 'MINUTELY' ? rule.byMinute : unless(start.getUTCMinutes(), rule.byMinute)],
    ['BYSECOND', unless(start.getUTCSeconds(), rule.bySecond)],
    ['BYSETPOS', rule.bySetPos],
    ['WKST', rule.weekStart === 0 ? null : (weekdays[rule.weekStart] as string)],
  ]
  return parts.flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`])).join(';')
}

/** What RFC 5545 does not allow together, or leaves open. */
const misfits: [is: (rule: Rule) => boolean, message: string][] = [
  [(rule) => rule.count !== null && rule.untilMs !== null, 'COUNT and UNTIL exclude each other: leave one out'],
  [(rule) => rule.byWeekNo !== null && rule.freq !== 'YEARLY', 'BYWEEKNO goes with FREQ=YEARLY only'],
  [(rule) => rule.byWeekNo !== null && rule.byDay === null, 'BYWEEKNO wants a BYDAY that says which days of the week'],
  [
    (rule) => rule.byYearDay !== null && ['MONTHLY', 'WEEKLY', 'DAILY'].includes(rule.freq),
    'BYYEARDAY does not go with FREQ=MONTHLY, WEEKLY or DAILY',
  ],
  [(rule) => rule.byMonthDay !== null && rule.freq === 'WEEKLY', 'BYMONTHDAY does not go with FREQ=WEEKLY'],
  [
    (rule) => isNumbered(rule) && !['MONTHLY', 'YEARLY'].includes(rule.freq),
    'numbered days (BYDAY=2MO) go with FREQ=MONTHLY and YEARLY only',
  ],
  [(rule) => isNumbered(rule) && rule.byWeekNo !== null, 'numbered days (BYDAY=2MO) do not go with BYWEEKNO'],
  [
    (rule) => rule.bySetPos !== null && !Object.entries(rule).some(([key, value]) => isBy(key) && value !== null),
    'BYSETPOS chooses among what another BY part names: there is none',
  ],
]

const isNumbered = (rule: Rule): boolean => rule.byDay?.some(({ nth }) => nth !== null) ?? false
const isBy = (key: string): boolean => key.startsWith('by') && key !== 'bySetPos'

const partsOf = (text: string): Map<string, string> => {
  const parts = new Map<string, string>()
  const value = text
    .trim()
    .replace(/^RRULE:/i, '')
    .replace(/;$/, '')
  for (const part of value.toUpperCase().split(';')) {
    const [name, ...rest] = part.split('=').map((piece) => piece.trim()) as [string, ...string[]]
    if (!partNames.includes(name)) throw wrong(`there is no part ${JSON.stringify(name)}${hintOf(name, partNames)}`)
    if (parts.has(name)) throw wrong(`${name} is there twice`)
    if (rest.length !== 1 || rest[0] === '') throw wrong(`${name} has no value (${name}=…)`)
    parts.set(name, rest[0] as string)
  }
  return parts
}

const freqOf = (text: string | undefined): Frequency => {
  if (text === undefined) throw wrong(`it wants a FREQ, one of ${frequencies.join(', ')}`)
  const freq = frequencies.find((known) => known === text)
  if (freq === undefined)
    throw wrong(`FREQ is one of ${frequencies.join(', ')}, not ${text}${hintOf(text, frequencies)}`)
  return freq
}

const numbersOf = (name: string, text: string | undefined, range: Range): number[] | null => {
  if (text === undefined) return null
  const { min, max, signed, single } = range
  const numbers = text.split(',').map((piece) => (/^[+-]?\d{1,6}$/.test(piece) ? Number(piece) : Number.NaN))
  const fits = (number: number) => (signed ? Math.abs(number) : number) >= min && Math.abs(number) <= max
  if (!numbers.every(fits) || (single && numbers.length > 1))
    throw wrong(`${name} takes ${single ? 'one number' : 'numbers'} ${spanOf(range)}, not ${text}`)
  return ascending(numbers)
}

const spanOf = ({ min, max, signed }: Range): string =>
  signed ? `from ${min} to ${max}, or from -${max} to -${min} counted from the end` : `from ${min} to ${max}`

const daysOf = (text: string | undefined): Rule['byDay'] =>
  text?.split(',').map((piece) => {
    const match = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(piece)
    const nth = match?.[1] === undefined ? null : Number(match[1])
    if (match === null || nth === 0 || Math.abs(nth ?? 1) > 53)
      throw wrong(`BYDAY takes days such as MO, 2MO or -1FR, not ${piece}`)
    return { weekday: weekdayOf('BYDAY', match[2] as string), nth }
  }) ?? null

const weekdayOf = (name: string, text: string): number => {
  const weekday = (weekdays as readonly string[]).indexOf(text)
  if (weekday < 0) throw wrong(`${name} takes days of the week (${weekdays.join(', ')}), not ${text}`)
  return weekday
}

/** A day is wholly in; a UTC time is told in the zone's wall time. */
const untilOf = (text: string | undefined, zone: Zone): number | null => {
  if (text === undefined) return null
  const match = /^(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?(Z)?)?$/.exec(text)
  const [, year, month, day, hour, minute, second = '00', utc] = match ?? []
  const isDay = hour === undefined
  const wallMs = isDay
    ? parseDayMs(`${year}-${month}-${day}`)
    : parseWallMs(`${year}-${month}-${day}T${hour}:${minute}:${second}`)
  if (wallMs === undefined) throw wrong(`UNTIL is a date such as 20270630 or 20270630T070000, not ${text}`)
  if (isDay) return wallMs + DAY_MS - 1
  return utc === undefined ? wallMs : wallMs + zone.offsetMs(wallMs)
}

const hintOf = (typed: string, known: readonly string[]): string => {
  const near = nearest(typed, known)
  return near === undefined ? '' : `: did you mean ${near}?`
}

const ascending = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b)

const wrong = (message: string) => scheduleError('rule', `The rule is not one: ${message}`)
