import ICAL from 'ical.js'
import { describe, expect, it } from 'vitest'
import { type CalendarEvent, calendarText } from '../../../src/schedule/calendar.ts'
import { occurrencesOf } from '../../../src/schedule/occurrences.ts'
import type { Schedule } from '../../../src/schedule/schedule.ts'
import { timezoneLines } from '../../../src/schedule/timezone-text.ts'
import { zoneOf } from '../../../src/schedule/zone.ts'

const nowMs = Date.UTC(2027, 0, 1)
const toMs = Date.UTC(2027, 11, 1)
const DAY_MS = 86_400_000

const morning = { start: '2027-01-04T07:00', zone: 'Europe/Berlin', rule: 'FREQ=WEEKLY;BYDAY=MO,WE,FR' }
const eventOf = (schedule: Schedule, more: Partial<CalendarEvent> = {}): CalendarEvent => ({
  uid: 'sit@example.org',
  sequence: 0,
  title: 'Morning sit',
  description: null,
  link: null,
  schedule,
  durationMs: 36 * 60_000,
  ...more,
})
const textOf = (...events: CalendarEvent[]) => calendarText({ name: 'Sessions', events, nowMs })

/** What another program makes of the text: ical.js, which takes the offsets from the VTIMEZONE alone. */
const readBy = (text: string): string[] => {
  const root = new ICAL.Component(ICAL.parse(text))
  for (const zone of root.getAllSubcomponents('vtimezone'))
    ICAL.TimezoneService.register(new ICAL.Timezone(zone), zone.getFirstPropertyValue('tzid') as string)
  const events = root.getAllSubcomponents('vevent').map((component) => new ICAL.Event(component))
  const series = events.find((event) => !event.isRecurrenceException()) as ICAL.Event
  for (const event of events) if (event.isRecurrenceException()) series.relateException(event)
  const found: number[] = []
  const iterator = series.iterator()
  for (let next = iterator.next(); next && found.length < 2000; next = iterator.next()) {
    const { item, startDate } = series.getOccurrenceDetails(next)
    const atMs = startDate.toUnixTime() * 1000
    if (atMs > toMs + 7 * DAY_MS) break
    if (item.component.getFirstPropertyValue('status') !== 'CANCELLED') found.push(atMs)
  }
  ICAL.TimezoneService.reset()
  return inWindow(found)
}
const inWindow = (atMs: number[]) =>
  [...new Set(atMs)]
    .filter((at) => at >= nowMs && at < toMs)
    .sort((a, b) => a - b)
    .map((at) => new Date(at).toISOString().slice(0, 16))
const ours = (schedule: Schedule) => inWindow(occurrencesOf(schedule, { fromMs: nowMs, toMs }).map(({ atMs }) => atMs))

const zones = [
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/Santiago',
  'America/Nuuk',
  'Asia/Jerusalem',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
]

describe('calendarText', () => {
  it.each([...zones, 'UTC'])('is read by another program with the instants that we mean in %s', (zone) => {
    for (const rule of [
      'FREQ=WEEKLY;BYDAY=MO,WE,FR',
      'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;UNTIL=20271020',
      'FREQ=MONTHLY;BYDAY=-1SU;COUNT=11',
      '30 7 * * 1-5',
      '0 9 1,15 * 5',
    ]) {
      const schedule = { start: '2027-01-04T07:00', zone, rule, except: ['2027-04-05'], also: ['2027-04-05T09:00'] }
      expect(ours(schedule).length, rule).toBeGreaterThan(10)
      expect(readBy(textOf(eventOf(schedule))), rule).toEqual(ours(schedule))
    }
  })

  it.each(zones)('carries the clocks of %s', (zone) => {
    const { offsetMs } = zoneOf(zone)
    const lines = ['BEGIN:VCALENDAR', ...timezoneLines(zoneOf(zone), nowMs, nowMs), 'END:VCALENDAR']
    const component = new ICAL.Component(ICAL.parse(lines.join('\r\n'))).getFirstSubcomponent('vtimezone')
    const read = new ICAL.Timezone(component as ICAL.Component)
    const wrong: string[] = []
    for (let atMs = nowMs + 10 * 3_600_000; atMs < nowMs + 9 * 366 * DAY_MS; atMs += 3 * DAY_MS) {
      const local = ICAL.Time.fromData({ ...wallFields(atMs + offsetMs(atMs)), isDate: false }, read)
      if (local.toUnixTime() * 1000 !== atMs) wrong.push(new Date(atMs).toISOString())
    }
    expect(wrong).toEqual([])
  })

  it.each(['skip', 'shift'] as const)('says nights at which the clocks change as they are meant (gap: %s)', (gap) => {
    for (const fold of ['first', 'second'] as const)
      for (const zone of ['Europe/Berlin', 'America/New_York']) {
        const night: Schedule = { start: '2027-01-04T02:30', zone, rule: 'FREQ=DAILY', gap, fold }
        const readable = zone === 'Europe/Berlin' ? night : { ...night, start: '2027-01-04T01:30' }
        expect(readBy(textOf(eventOf(readable))), `${zone} ${fold}`).toEqual(ours(readable))
      }
  })

  it('moves and cancels single sittings', () => {
    const overrides = [
      { ruled: '2027-01-06T07:00:00', start: '2027-01-06T09:00', title: 'Late sit' },
      { ruled: '2027-01-08T07:00:00', cancelled: true },
    ]
    const text = textOf(eventOf(morning, { overrides, sequence: 3 }))
    expect(text).toContain(
      'RECURRENCE-ID;TZID=Europe/Berlin:20270106T070000\r\nDTSTART;TZID=Europe/Berlin:20270106T090000',
    )
    expect(text.match(/^SEQUENCE:3\r$/gm)).toHaveLength(3)
    expect(text.match(/^UID:sit@example.org\r$/gm)).toHaveLength(3)
    expect(readBy(text).slice(0, 3)).toEqual(['2027-01-04T06:00', '2027-01-06T08:00', '2027-01-11T06:00'])
  })

  it('cancels all of it, and then reminds of nothing', () => {
    const text = textOf(eventOf(morning, { cancelled: true, alarmBeforeMs: 600_000 }))
    expect(text).toContain('STATUS:CANCELLED')
    expect(text).not.toContain('VALARM')
    expect(readBy(text)).toEqual([])
  })

  it('writes lines of at most 75 octets, and what people wrote comes back unchanged', () => {
    const title = 'Ruhe, Stille; „lang“ 🧘'.repeat(9)
    const description = 'One\\two\nthree; four, five'
    const more = {
      title,
      description,
      link: 'https://example.org/r/1',
      organizer: { name: 'Ana "A": b', uri: 'mailto:a@b.c' },
    }
    const text = textOf(eventOf(morning, { ...more, alarmBeforeMs: 600_000 }))
    expect(text.split('\r\n').filter((line) => new TextEncoder().encode(line).length > 75)).toEqual([])
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
    const read = new ICAL.Component(ICAL.parse(text)).getFirstSubcomponent('vevent') as ICAL.Component
    expect(read.getFirstPropertyValue('summary')).toBe(title)
    expect(read.getFirstPropertyValue('description')).toBe(description)
    expect(read.getFirstProperty('organizer')?.getParameter('cn')).toBe("Ana 'A': b")
    expect(read.getFirstSubcomponent('valarm')?.getFirstPropertyValue('trigger')?.toString()).toBe('-PT10M')
  })

  it('has each zone once, and leaves out what never happens', () => {
    const over = { start: '2027-01-04T07:00', zone: 'Asia/Tokyo', rule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' }
    const text = textOf(eventOf(morning), eventOf(morning, { uid: 'other@example.org' }), eventOf(over))
    expect(text.match(/^TZID:.*\r$/gm)).toEqual(['TZID:Europe/Berlin\r'])
    expect(text.match(/BEGIN:VEVENT/g)).toHaveLength(2)
  })
})

const wallFields = (wallMs: number) => {
  const date = new Date(wallMs)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
  return { year, month, day, hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: 0 }
}
