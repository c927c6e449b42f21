import { contentLine, durationValue, textValue, timeValue } from './content-lines.ts'
import { type EventDates, eventDates } from './event-dates.ts'
import type { Schedule } from './schedule.ts'
import { timezoneLines } from './timezone-text.ts'
import { parseWallMs } from './wall.ts'
import { instantOf, instantsOf, type Zone } from './zone.ts'

export type CalendarEvent = {
  /** Unique in the world and the same for ever (RFC 7986, 5.3), such as `<uuid>@host`. */
  uid: string
  /** Grows with each change. */
  sequence: number
  title: string
  description: string | null
  /** Where one goes to take part. */
  link: string | null
  schedule: Schedule
  durationMs: number
  /** When it was last changed, in ms since 1970; without it, now. */
  changedMs?: number
  /** All of it; a single sitting is cancelled by an override. */
  cancelled?: boolean
  overrides?: CalendarOverride[]
  /** `uri` is a `mailto:` or any other address. */
  organizer?: { name: string; uri: string }
  /** A reminder so long before. */
  alarmBeforeMs?: number
}

/** One sitting that differs from the others: `ruled` is the local time that the schedule has for it (`Occurrence.ruled`). */
type CalendarOverride = {
  ruled: string
  start?: string
  durationMs?: number
  title?: string
  cancelled?: boolean
}

/**
 * An iCalendar file (RFC 5545) with a VTIMEZONE for each zone. What RRULE cannot say is written out for two years from `nowMs` (times that a
 * change of the clocks moves or swallows; cron expressions with both kinds of days), and not before the month before it.
 * Throws a `bad-schedule` error; an event that never happens is left out.
 */
export const calendarText = ({
  name,
  events,
  nowMs,
}: {
  name: string
  events: CalendarEvent[]
  nowMs: number
}): string => {
  const dated = events.flatMap((event) => {
    const dates = eventDates(event.schedule, nowMs)
    return dates === null ? [] : [{ event, dates }]
  })
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//roomtone//roomtone//EN',
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    contentLine('NAME', textValue(name)),
    contentLine('X-WR-CALNAME', textValue(name)),
    contentLine('REFRESH-INTERVAL', 'PT1H', { VALUE: 'DURATION' }),
    contentLine('X-PUBLISHED-TTL', 'PT1H'),
    ...zonesOf(dated.map(({ dates }) => dates)).flatMap(({ zone, fromMs }) => timezoneLines(zone, fromMs, nowMs)),
    ...dated.flatMap(({ event, dates }) => eventLines(event, dates, nowMs)),
    'END:VCALENDAR',
  ]
  return `${lines.join('\r\n')}\r\n`
}

const zonesOf = (dates: EventDates[]): { zone: Zone; fromMs: number }[] =>
  [...new Set(dates.map(({ zone }) => zone))]
    .filter((zone) => !isUtc(zone))
    .map((zone) => ({
      zone,
      fromMs: Math.min(...dates.filter((date) => date.zone === zone).map((date) => date.startMs)),
    }))

/** The series, and after it each sitting that differs from it. */
const eventLines = (event: CalendarEvent, dates: EventDates, nowMs: number): string[] => {
  const { zone, startMs, rrule, alsoMs, exceptMs, moved } = dates
  const isSeries = rrule !== null || alsoMs.length > 0
  const single = isSeries ? undefined : moved.get(startMs)
  const series = veventLines(event, nowMs, [
    single === undefined ? wallLine('DTSTART', [startMs], zone) : utcLine('DTSTART', single),
    contentLine('DURATION', durationValue(event.durationMs)),
    ...(rrule === null ? [] : [contentLine('RRULE', rrule)]),
    ...(exceptMs.length === 0 ? [] : [wallLine('EXDATE', exceptMs, zone)]),
    ...(alsoMs.length === 0 ? [] : [wallLine('RDATE', alsoMs, zone)]),
  ])
  return [
    ...series,
    ...(isSeries ? differing(event, dates).flatMap((one) => overrideLines(event, one, zone, nowMs)) : []),
  ]
}

/** `atMs` is set where the clocks move it and nobody else did. */
type Differing = Omit<CalendarOverride, 'ruled'> & { ruledMs: number; atMs?: number }

const differing = ({ overrides = [] }: CalendarEvent, { moved }: EventDates): Differing[] => {
  const given = overrides.map(({ ruled, ...more }) => ({ ruledMs: wallOf(ruled), ...more }))
  const byClock = [...moved].map(([ruledMs, atMs]) => ({ ruledMs, atMs }))
  const both = given.map((one) => ({ ...byClock.find(({ ruledMs }) => ruledMs === one.ruledMs), ...one }))
  const ruled = new Set(both.map(({ ruledMs }) => ruledMs))
  return [...both, ...byClock.filter(({ ruledMs }) => !ruled.has(ruledMs))].sort((a, b) => a.ruledMs - b.ruledMs)
}

const overrideLines = (event: CalendarEvent, one: Differing, zone: Zone, nowMs: number): string[] => {
  const cancelled = event.cancelled || one.cancelled
  const own = { ...event, title: one.title ?? event.title, cancelled: cancelled === true }
  const isByClock = one.start === undefined && one.atMs !== undefined
  return veventLines(own, nowMs, [
    wallLine('RECURRENCE-ID', [one.ruledMs], zone),
    isByClock ? utcLine('DTSTART', one.atMs as number) : startLine(one.start, one.ruledMs, zone, event.schedule),
    contentLine('DURATION', durationValue(one.durationMs ?? event.durationMs)),
  ])
}

/** A local time that the clocks say twice, or not at all, is written as the instant that is meant. */
const startLine = (start: string | undefined, ruledMs: number, zone: Zone, schedule: Schedule): string => {
  const wallMs = start === undefined ? ruledMs : wallOf(start)
  const atMs = instantOf(wallMs, zone, { ...schedule, gap: 'shift' }) as number
  return instantsOf(wallMs, zone).atMs.length === 1 ? wallLine('DTSTART', [wallMs], zone) : utcLine('DTSTART', atMs)
}

const veventLines = (event: CalendarEvent, nowMs: number, when: string[]): string[] => {
  const { description, link, organizer, alarmBeforeMs, cancelled } = event
  return [
    'BEGIN:VEVENT',
    contentLine('UID', textValue(event.uid)),
    utcLine('DTSTAMP', event.changedMs ?? nowMs),
    contentLine('SEQUENCE', String(event.sequence)),
    ...when,
    contentLine('SUMMARY', textValue(event.title)),
    ...(description === null ? [] : [contentLine('DESCRIPTION', textValue(description))]),
    ...(link === null ? [] : [contentLine('URL', link), contentLine('LOCATION', textValue(link))]),
    ...(organizer ? [contentLine('ORGANIZER', organizer.uri, { CN: organizer.name })] : []),
    contentLine('STATUS', cancelled ? 'CANCELLED' : 'CONFIRMED'),
    ...(alarmBeforeMs === undefined || cancelled ? [] : alarmLines(event.title, alarmBeforeMs)),
    'END:VEVENT',
  ]
}

const alarmLines = (title: string, beforeMs: number): string[] => [
  'BEGIN:VALARM',
  'ACTION:DISPLAY',
  contentLine('DESCRIPTION', textValue(title)),
  contentLine('TRIGGER', `-${durationValue(beforeMs)}`),
  'END:VALARM',
]

const isUtc = ({ name }: Zone): boolean => name === 'UTC' || name === 'Etc/UTC'

const wallLine = (name: string, wallMs: number[], zone: Zone): string =>
  isUtc(zone)
    ? contentLine(name, wallMs.map((ms) => `${timeValue(ms)}Z`).join())
    : contentLine(name, wallMs.map(timeValue).join(), { TZID: zone.name })

const utcLine = (name: string, atMs: number): string => contentLine(name, `${timeValue(atMs)}Z`)

const wallOf = (text: string): number => {
  const wallMs = parseWallMs(text)
  if (wallMs === undefined) throw new Error(`${JSON.stringify(text)} is no local time`)
  return wallMs
}
