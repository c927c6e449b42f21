import type { OccurrenceView } from '../protocol/calendar.ts'
import { clockTime, count } from './words.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** Sessions that are still to come, or go on, at this moment. */
export const upcomingAt = (events: OccurrenceView[], nowMs: number): OccurrenceView[] =>
  events.filter(({ endsAt }) => Date.parse(endsAt) > nowMs)

/** `18:00`, and beyond the next day's morning with the day: `Mon 24 Nov 18:00`; on this machine's clock. */
export const dayAndTime = (iso: string, nowMs: number): string => {
  const at = new Date(iso)
  if (Math.abs(at.getTime() - nowMs) < dayMs / 2 || isSameDay(at, new Date(nowMs))) return clockTime(iso)
  const day = at.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' }).replace(',', '')
  return `${day} ${clockTime(iso)}`
}

const isSameDay = (a: Date, b: Date) => a.toDateString() === b.toDateString()

/** `in 42 min`, `in 3 h`, `in 2 days`, `now`; by the minute, so that an idle screen stays still. */
export const inHowLong = (iso: string, nowMs: number): string => {
  const minutes = Math.ceil((Date.parse(iso) - nowMs) / minuteMs)
  if (minutes <= 0) return 'now'
  if (minutes < 60) return `in ${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `in ${hours} h` : `in ${count(Math.round(hours / 24), 'day')}`
}
