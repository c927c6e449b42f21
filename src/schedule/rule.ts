export const frequencies = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY'] as const
export type Frequency = (typeof frequencies)[number]

/** A recurrence rule of RFC 5545 (3.3.10), read; null is a part that is not there. All times are wall time. */
export type Rule = {
  freq: Frequency
  interval: number
  /** As many are named by the rule, before exceptions. */
  count: number | null
  /** The last wall time that may be named. */
  untilMs: number | null
  byMonth: number[] | null
  /** ISO weeks where weeks begin on Monday; from the end where negative, like days. */
  byWeekNo: number[] | null
  byYearDay: number[] | null
  byMonthDay: number[] | null
  /** `nth` of the month or year, from the end where negative; null: each. */
  byDay: { weekday: Weekday; nth: number | null }[] | null
  byHour: number[] | null
  byMinute: number[] | null
  bySecond: number[] | null
  bySetPos: number[] | null
  weekStart: Weekday
  /** A cron expression with both kinds of days: one of them is enough. RRULE cannot say that. */
  isEitherDay: boolean
}

/** 0 is Monday. */
type Weekday = number

export const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const
