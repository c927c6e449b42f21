import { contentLine, timeValue } from './content-lines.ts'
import { weekdays } from './rule.ts'
import { DAY_MS } from './wall.ts'
import { type Transition, transitionsOf, type Zone } from './zone.ts'

/**
 * The lines of a VTIMEZONE (RFC 5545, 3.6.5), made from the zone data of this Node.js: from before `fromMs` on, and with rules without end
 * where the clocks are changed by a rule. Where they are not (Morocco's Ramadan), with the dates of the next ten years.
 */
export const timezoneLines = (zone: Zone, fromMs: number, nowMs: number): string[] => {
  const lastYear = new Date(Math.max(nowMs, fromMs)).getUTCFullYear() + CYCLE_YEARS
  const changes = transitionsOf(zone, fromMs - YEAR_MS, Date.UTC(lastYear + 1, 0)).map(changeOf)
  const known = Date.UTC(lastYear - CYCLE_YEARS + KNOWN_YEARS, 0)
  const first = changes[0]
  const lines = first === undefined || first.atMs > fromMs ? steadyLines(zone.offsetMs(fromMs), first) : []
  for (const key of new Set(changes.map(keyOf))) {
    const alike = changes.filter((change) => keyOf(change) === key)
    const end = ruledEnd(alike, lastYear)
    const ruled = (end[0]?.atMs ?? known) < known ? end : []
    const dated = alike.slice(0, alike.length - ruled.length).filter(({ atMs }) => atMs < known)
    if (dated.length > 0) lines.push(...observance(dated[0] as Change, dateLines(dated)))
    if (ruled.length > 0) lines.push(...observance(ruled[0] as Change, [ruleLine(ruled)]))
  }
  return ['BEGIN:VTIMEZONE', contentLine('TZID', zone.name), ...lines, 'END:VTIMEZONE']
}

/** `wallMs` is what the clocks say as they are changed. */
type Change = Transition & { wallMs: number; date: Date }

const YEAR_MS = 366 * DAY_MS
/** After 28 years the weekdays fall on the same dates again, and a rule has shown all of them. */
const CYCLE_YEARS = 28
const KNOWN_YEARS = 10

const changeOf = (transition: Transition): Change => {
  const wallMs = transition.atMs + transition.beforeMs
  return { ...transition, wallMs, date: new Date(wallMs) }
}

const keyOf = ({ beforeMs, afterMs, wallMs, date }: Change): string =>
  [beforeMs, afterMs, date.getUTCMonth(), date.getUTCDay(), wallMs % DAY_MS].join()

/** As many of the last changes as come once a year until the end, within one week of the month: a rule. */
const ruledEnd = (alike: Change[], lastYear: number): Change[] => {
  const isRuled = (index: number) => alike[index]?.date.getUTCFullYear() === lastYear - (alike.length - 1 - index)
  let first = alike.length
  while (first > 0 && isRuled(first - 1)) first--
  const ruled = alike.slice(first)
  const days = ruled.map(({ date }) => date.getUTCDate())
  return Math.max(...days) - Math.min(...days) <= 6 ? ruled : []
}

const ruleLine = (ruled: Change[]): string => {
  const { date } = ruled[0] as Change
  const weekday = weekdays[(date.getUTCDay() + 6) % 7]
  const days = ruled.map((change) => change.date.getUTCDate())
  const [low, high] = [Math.min(...days), Math.max(...days)]
  const isLast = ruled.every((change) => new Date(change.wallMs + 7 * DAY_MS).getUTCMonth() !== date.getUTCMonth())
  const nth = isLast ? -1 : Math.ceil(low / 7) === Math.ceil(high / 7) ? Math.ceil(low / 7) : ''
  const among = nth === '' ? `;BYMONTHDAY=${Array.from({ length: 7 }, (_, index) => low + index).join()}` : ''
  return contentLine('RRULE', `FREQ=YEARLY;BYMONTH=${date.getUTCMonth() + 1};BYDAY=${nth}${weekday}${among}`)
}

/** One line each: some readers (ical.js) take only the first date of a line. */
const dateLines = (dated: Change[]): string[] => dated.map(({ wallMs }) => contentLine('RDATE', timeValue(wallMs)))

const observance = ({ wallMs, beforeMs, afterMs }: Change, when: string[]): string[] => {
  const kind = afterMs > beforeMs ? 'DAYLIGHT' : 'STANDARD'
  return observanceLines(kind, wallMs, beforeMs, afterMs, when)
}

/** What was valid before the first change that matters here. */
const steadyLines = (offsetMs: number, first: Change | undefined): string[] =>
  observanceLines(first && first.afterMs < first.beforeMs ? 'DAYLIGHT' : 'STANDARD', 0, offsetMs, offsetMs, [])

const observanceLines = (kind: string, wallMs: number, beforeMs: number, afterMs: number, when: string[]): string[] => [
  `BEGIN:${kind}`,
  contentLine('DTSTART', timeValue(wallMs)),
  ...when,
  contentLine('TZOFFSETFROM', offsetValue(beforeMs)),
  contentLine('TZOFFSETTO', offsetValue(afterMs)),
  `END:${kind}`,
]

/** `+0100`, with seconds where there are any. */
const offsetValue = (offsetMs: number): string => {
  const value = timeValue(Math.abs(offsetMs)).slice(9)
  return `${offsetMs < 0 ? '-' : '+'}${value.endsWith('00') ? value.slice(0, 4) : value}`
}
