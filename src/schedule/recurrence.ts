import type { Rule } from './rule.ts'
import { DAY_MS, dayOf } from './wall.ts'

/** So far ahead an occurrence is looked for before there is none. */
export const SEARCH_MS = 50 * 365.25 * DAY_MS

/**
 * The wall times that a rule names (RFC 5545, 3.3.10), from `startMs` on and ascending; it begins at `fromMs` or shortly before, unless
 * they are counted. Ends with the rule, or where nothing was found for fifty years: a 29th of February on a Sunday may take forty.
 */
export function* wallTimesOf(rule: Rule, startMs: number, fromMs: number): Generator<number> {
  const filled = withStart(rule, startMs)
  const periods = periodsOf(filled, startMs)
  const untilMs = rule.untilMs ?? Number.POSITIVE_INFINITY
  let left = rule.count ?? Number.POSITIVE_INFINITY
  let lastMs = Math.max(startMs, fromMs)
  let index = rule.count === null ? Math.max(0, periods.indexAt(fromMs) - 1) : 0
  for (let idle = 0; idle < MAX_IDLE; idle++) {
    const period = periods.at(index)
    if (period.fromMs > Math.min(untilMs, lastMs + SEARCH_MS)) return
    for (const wallMs of namedIn(period, filled)) {
      if (wallMs < startMs) continue
      if (left === 0 || wallMs > untilMs) return
      left--
      idle = 0
      lastMs = Math.max(lastMs, wallMs)
      yield wallMs
    }
    index = nextIndex(index, period, periods, filled)
  }
}

type Period = { fromMs: number; toMs: number }
type Periods = { at: (index: number) => Period; indexAt: (wallMs: number) => number }

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const MAX_IDLE = 50_000

/** What a rule leaves open is as the start has it. */
const withStart = (rule: Rule, startMs: number): Rule => {
  const start = new Date(startMs)
  const hasDay = [rule.byWeekNo, rule.byYearDay, rule.byMonthDay, rule.byDay].some((part) => part !== null)
  const isYearly = rule.freq === 'YEARLY'
  const byMonthDay = !hasDay && (isYearly || rule.freq === 'MONTHLY') ? [start.getUTCDate()] : rule.byMonthDay
  const byDay = !hasDay && rule.freq === 'WEEKLY' ? [{ weekday: weekdayOf(startMs), nth: null }] : rule.byDay
  return {
    ...rule,
    byMonth: rule.byMonth ?? (!hasDay && isYearly ? [start.getUTCMonth() + 1] : null),
    byMonthDay,
    byDay,
    byHour: rule.byHour ?? (isWithinDay(rule) ? null : [start.getUTCHours()]),
    byMinute: rule.byMinute ?? (rule.freq === 'MINUTELY' ? null : [start.getUTCMinutes()]),
    bySecond: rule.bySecond ?? [start.getUTCSeconds()],
  }
}

/** The years, months, weeks, days, hours or minutes that a rule looks at: each `interval`th from the start's own. */
const periodsOf = ({ freq, interval, weekStart }: Rule, startMs: number): Periods => {
  if (freq === 'YEARLY' || freq === 'MONTHLY') {
    const length = freq === 'YEARLY' ? 12 : 1
    const first = Math.floor(monthOf(startMs) / length) * length
    const monthAt = (index: number) => first + index * interval * length
    return {
      at: (index) => ({ fromMs: Date.UTC(1900, monthAt(index)), toMs: Date.UTC(1900, monthAt(index) + length) }),
      indexAt: (wallMs) => Math.floor((monthOf(wallMs) - first) / (interval * length)),
    }
  }
  const lengthMs = { WEEKLY: 7 * DAY_MS, DAILY: DAY_MS, HOURLY: HOUR_MS, MINUTELY: MINUTE_MS }[freq]
  const startOfWeekMs = dayOf(startMs) - ((weekdayOf(startMs) - weekStart + 7) % 7) * DAY_MS
  const firstMs = freq === 'WEEKLY' ? startOfWeekMs : Math.floor(startMs / lengthMs) * lengthMs
  const fromMs = (index: number) => firstMs + index * interval * lengthMs
  return {
    at: (index) => ({ fromMs: fromMs(index), toMs: fromMs(index) + lengthMs }),
    indexAt: (wallMs) => Math.floor((wallMs - firstMs) / (interval * lengthMs)),
  }
}

/** Hours and minutes of a day that does not fit need no look. */
const nextIndex = (index: number, { fromMs }: Period, periods: Periods, rule: Rule): number =>
  isWithinDay(rule) && !fitsDay(dayOf(fromMs), rule) ? periods.indexAt(dayOf(fromMs) + DAY_MS - 1) + 1 : index + 1

const namedIn = ({ fromMs, toMs }: Period, rule: Rule): number[] => {
  const times = timesIn(fromMs, rule)
  const named: number[] = []
  for (let day = dayOf(fromMs); day < toMs && times.length > 0; day += DAY_MS)
    if (fitsDay(day, rule)) named.push(...times.map((time) => day + time))
  const { bySetPos } = rule
  if (bySetPos === null) return named
  return named.filter((_, index) => bySetPos.includes(index + 1) || bySetPos.includes(index - named.length))
}

/** Milliseconds since midnight, ascending. */
const timesIn = (fromMs: number, rule: Rule): number[] => {
  const from = new Date(fromMs)
  const hours = isWithinDay(rule) ? among(from.getUTCHours(), rule.byHour) : (rule.byHour ?? [])
  const minutes = rule.freq === 'MINUTELY' ? among(from.getUTCMinutes(), rule.byMinute) : (rule.byMinute ?? [])
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) =>
      (rule.bySecond ?? []).map((second) => hour * HOUR_MS + minute * MINUTE_MS + second * 1000),
    ),
  )
}

const among = (own: number, allowed: number[] | null): number[] => (allowed?.includes(own) === false ? [] : [own])

const fitsDay = (dayMs: number, rule: Rule): boolean => {
  const date = new Date(dayMs)
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth()
  const ofMonth = { at: date.getUTCDate(), of: daysBetween(Date.UTC(year, month), Date.UTC(year, month + 1)) }
  const ofYear = {
    at: daysBetween(Date.UTC(year, 0), dayMs) + 1,
    of: daysBetween(Date.UTC(year, 0), Date.UTC(year + 1, 0)),
  }
  const isMonthDay = rule.byMonthDay === null || isAt(ofMonth, rule.byMonthDay)
  const isDay =
    rule.byDay === null || isWeekday(dayMs, rule, rule.freq === 'MONTHLY' || rule.byMonth ? ofMonth : ofYear)
  return (
    (rule.byMonth === null || rule.byMonth.includes(month + 1)) &&
    (rule.isEitherDay ? isMonthDay || isDay : isMonthDay && isDay) &&
    (rule.byYearDay === null || isAt(ofYear, rule.byYearDay)) &&
    (rule.byWeekNo === null || isAt(weekOf(dayMs, rule.weekStart), rule.byWeekNo))
  )
}

/** The how-manieth something is, from 1, and of how many. */
type Count = { at: number; of: number }

const isAt = ({ at, of }: Count, wanted: number[]): boolean => wanted.includes(at) || wanted.includes(at - of - 1)

const isWeekday = (dayMs: number, { byDay }: Rule, { at, of }: Count): boolean => {
  const own = weekdayOf(dayMs)
  const nth = Math.ceil(at / 7)
  const fromEnd = -Math.ceil((of - at + 1) / 7)
  return (byDay ?? []).some(
    (day) => day.weekday === own && (day.nth === null || day.nth === nth || day.nth === fromEnd),
  )
}

/** The first week of a year is the one with at least four of its days (ISO 8601, with any first day of the week). */
const weekOf = (dayMs: number, weekStart: number): Count => {
  const middleMs = dayMs - ((weekdayOf(dayMs) - weekStart + 7) % 7) * DAY_MS + 3 * DAY_MS
  const year = new Date(middleMs).getUTCFullYear()
  const weekAt = (ms: number) => Math.ceil((daysBetween(Date.UTC(year, 0), ms) + 1) / 7)
  const lastMiddleMs = middleMs + Math.floor(daysBetween(middleMs, Date.UTC(year + 1, 0) - DAY_MS) / 7) * 7 * DAY_MS
  return { at: weekAt(middleMs), of: weekAt(lastMiddleMs) }
}

const isWithinDay = ({ freq }: Rule): boolean => freq === 'HOURLY' || freq === 'MINUTELY'
/** 0 is Monday. */
const weekdayOf = (wallMs: number): number => (new Date(wallMs).getUTCDay() + 6) % 7
/** Months since the beginning of 1900. */
const monthOf = (wallMs: number): number =>
  (new Date(wallMs).getUTCFullYear() - 1900) * 12 + new Date(wallMs).getUTCMonth()
const daysBetween = (fromMs: number, toMs: number): number => Math.round((toMs - fromMs) / DAY_MS)
