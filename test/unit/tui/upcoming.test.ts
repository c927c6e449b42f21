import { expect, it } from 'vitest'
import { dayAndTime, inHowLong, upcomingAt } from '../../../src/tui/upcoming.ts'
import { someEvents } from '../../support/tui-fixtures.ts'

const now = new Date(2026, 10, 21, 18, 2)
const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute).toISOString()

it.each([
  [at(21, 18, 44), '18:44', 'in 42 min'],
  [at(21, 17, 52), '17:52', 'now'],
  [at(22, 7, 30), 'Sun 07:30', 'in 13 h'],
  [at(24, 18, 2), 'Tue 18:02', 'in 3 days'],
  [at(30, 8), '30 Nov 08:00', 'in 9 days'],
])('%# says when it is and how long still', (iso, when, howLong) => {
  expect([dayAndTime(iso, now.getTime()), inHowLong(iso, now.getTime())]).toEqual([when, howLong])
})

it('leaves out what is over', () => {
  const events = someEvents(now.getTime())
  const minuteMs = 60_000
  const titles = [0, 19, 21, 900].map((minutes) => upcomingAt(events, now.getTime() + minutes * minuteMs).length)
  expect(titles).toEqual([3, 3, 2, 0])
})
