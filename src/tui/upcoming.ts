import type { OccurrenceView } from '../protocol/calendar.ts'
import { clockTime, count } from './words.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** Sessions that are still to come, or go on, at this moment. */
export const upcomingAt = (events: OccurrenceView[], nowMs: number): OccurrenceView[] =>
  events.filter(({ endsAt }) => Date.parse(endsAt) > nowMs)

/** `18:00`; on another day `Mon 18:00`, and beyond a week `24 Nov 18:00`; on this machine's clock. */
export const dayAndTime = (iso: string, nowMs: number): string => {
  const at = new Date(iso)
  if (at.toDateString() === new Date(nowMs).toDateString()) return clockTime(iso)
  const isNear = Math.abs(at.getTime() - nowMs) < 6 * dayMs
  const day = at.toLocaleDateString('en-GB', isNear ? { weekday: 'short' } : { day: 'numeric', month: 'short' })
  return `${day} ${clockTime(iso)}`
}

/** `in 42 min`, `in 3 h`, `in 2 days`, `now`; by the minute, so that an idle screen stays still. */
export const inHowLong = (iso: string, nowMs: number): string => {
  const minutes = Math.ceil((Date.parse(iso) - nowMs) / minuteMs)
  if (minutes <= 0) return 'now'
  if (minutes < 60) return `in ${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `in ${hours} h` : `in ${count(Math.round(hours / 24), 'day')}`
}
