import { describe, expect, it } from 'vitest'
import { parseRule } from '../../../src/schedule/parse-rule.ts'
import { wallTimesOf } from '../../../src/schedule/recurrence.ts'
import { rruleText } from '../../../src/schedule/rrule.ts'
import { parseWallMs, wallText } from '../../../src/schedule/wall.ts'
import { zoneOf } from '../../../src/schedule/zone.ts'

const berlin = zoneOf('Europe/Berlin')
/** A Tuesday. */
const startMs = parseWallMs('2027-03-02T09:00') as number

const firstOf = (rule: string, count: number, fromMs = startMs): string[] => {
  const found: string[] = []
  for (const wallMs of wallTimesOf(parseRule(rule, berlin), startMs, fromMs)) {
    if (wallMs >= fromMs) found.push(wallText(wallMs).slice(0, 16).replace('T09:00', ''))
    if (found.length === count) break
  }
  return found
}

// As python-dateutil 2.9 has them, with the same start.
const table = [
  ['FREQ=DAILY;INTERVAL=10', '2027-03-02 2027-03-12 2027-03-22 2027-04-01 2027-04-11'],
  ['FREQ=DAILY;BYMONTH=1;BYDAY=MO,WE', '2028-01-03 2028-01-05 2028-01-10 2028-01-12 2028-01-17'],
  ['FREQ=DAILY;BYMONTHDAY=-1', '2027-03-31 2027-04-30 2027-05-31 2027-06-30 2027-07-31'],
  ['FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH', '2027-03-02 2027-03-04 2027-03-16 2027-03-18 2027-03-30'],
  ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU', '2027-03-02 2027-03-07 2027-03-16 2027-03-21 2027-03-30'],
  ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU', '2027-03-02 2027-03-14 2027-03-16 2027-03-28 2027-03-30'],
  ['FREQ=MONTHLY;BYDAY=1FR', '2027-03-05 2027-04-02 2027-05-07 2027-06-04 2027-07-02'],
  ['FREQ=MONTHLY;BYDAY=-2MO', '2027-03-22 2027-04-19 2027-05-24 2027-06-21 2027-07-19'],
  ['FREQ=MONTHLY;BYMONTHDAY=-3', '2027-03-29 2027-04-28 2027-05-29 2027-06-28 2027-07-29'],
  ['FREQ=MONTHLY;BYMONTHDAY=31', '2027-03-31 2027-05-31 2027-07-31 2027-08-31 2027-10-31'],
  ['FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12', '2027-03-10 2027-03-11 2027-03-12 2028-09-10 2028-09-11'],
  ['FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', '2027-08-13 2028-10-13 2029-04-13 2029-07-13 2030-09-13'],
  ['FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13', '2027-03-13 2027-04-10 2027-05-08 2027-06-12 2027-07-10'],
  ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', '2027-03-31 2027-04-30 2027-05-31 2027-06-30 2027-07-30'],
  ['FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3', '2027-03-04 2027-04-07 2027-05-06 2027-06-03 2027-07-07'],
  ['FREQ=MONTHLY;BYDAY=5SU', '2027-05-30 2027-08-29 2027-10-31 2028-01-30 2028-04-30'],
  ['FREQ=YEARLY;BYMONTH=6,7', '2027-06-02 2027-07-02 2028-06-02 2028-07-02 2029-06-02'],
  ['FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200', '2027-04-10 2027-07-19 2030-01-01 2030-04-10 2030-07-19'],
  ['FREQ=YEARLY;BYDAY=20MO', '2027-05-17 2028-05-15 2029-05-14 2030-05-20 2031-05-19'],
  ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '2027-05-17 2028-05-15 2029-05-14 2030-05-13 2031-05-12'],
  ['FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO,SU', '2027-12-27 2028-01-02 2028-01-03 2028-01-09 2028-12-25'],
  ['FREQ=YEARLY;BYMONTH=3;BYDAY=TH', '2027-03-04 2027-03-11 2027-03-18 2027-03-25 2028-03-02'],
  [
    'FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
    '2027-11-02 2028-11-07 2029-11-06 2030-11-05 2031-11-04',
  ],
  ['FREQ=YEARLY;BYMONTHDAY=1', '2027-04-01 2027-05-01 2027-06-01 2027-07-01 2027-08-01'],
  ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', '2028-02-29 2032-02-29 2036-02-29 2040-02-29 2044-02-29'],
  ['FREQ=YEARLY;BYYEARDAY=-1', '2027-12-31 2028-12-31 2029-12-31 2030-12-31 2031-12-31'],
  ['FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3,10', '2027-03-28 2027-10-31 2028-03-26 2028-10-29 2029-03-25'],
  ['FREQ=HOURLY;INTERVAL=3;BYHOUR=9,12,15', '2027-03-02 2027-03-02T12:00 2027-03-02T15:00 2027-03-03 2027-03-03T12:00'],
  ['FREQ=MINUTELY;INTERVAL=90', '2027-03-02 2027-03-02T10:30 2027-03-02T12:00 2027-03-02T13:30 2027-03-02T15:00'],
  [
    'FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40',
    '2027-03-02 2027-03-02T09:20 2027-03-02T09:40 2027-03-02T10:00 2027-03-02T10:20',
  ],
  [
    'FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10;BYDAY=SA',
    '2027-03-06 2027-03-06T09:20 2027-03-06T09:40 2027-03-06T10:00 2027-03-06T10:20',
  ],
  [
    'FREQ=DAILY;BYHOUR=6,18;BYSETPOS=-1',
    '2027-03-02T18:00 2027-03-03T18:00 2027-03-04T18:00 2027-03-05T18:00 2027-03-06T18:00',
  ],
] as const

describe('rules', () => {
  it.each(table)('%s', (rule, dates) => {
    expect(firstOf(rule, 5).join(' ')).toBe(dates)
  })

  it.each(table)('%s is found from the middle, and from its own text', (rule, dates) => {
    const third = dates.split(' ')[2] as string
    const fromMs = parseWallMs(third.includes('T') ? third : `${third}T09:00`) as number
    expect(firstOf(rule, 3, fromMs).join(' ')).toBe(dates.split(' ').slice(2).join(' '))
    const text = rruleText(parseRule(rule, berlin), startMs, berlin)
    expect(firstOf(text, 5).join(' ')).toBe(dates)
  })

  it('takes numbered and plain days together', () => {
    expect(firstOf('FREQ=MONTHLY;BYDAY=1MO,FR', 5)).toEqual([
      '2027-03-05',
      '2027-03-12',
      '2027-03-19',
      '2027-03-26',
      '2027-04-02',
    ])
  })

  it('takes what people write around a rule', () => {
    expect(firstOf(' rrule:freq=weekly; byday=mo,we;', 2)).toEqual(['2027-03-03', '2027-03-08'])
  })

  it.each([
    ['0 9 * * 1-5', '2027-03-02 2027-03-03 2027-03-04', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'],
    ['0 9 * * MON,sun', '2027-03-07 2027-03-08 2027-03-14', 'FREQ=WEEKLY;BYDAY=SU,MO'],
    ['0 9 * jan-feb 7', '2028-01-02 2028-01-09 2028-01-16', 'FREQ=WEEKLY;BYMONTH=1,2;BYDAY=SU'],
    ['0 9 */10 * *', '2027-03-11 2027-03-21 2027-03-31', 'FREQ=MONTHLY;BYMONTHDAY=1,11,21,31'],
    ['0 9 1 * 0', '2027-03-07 2027-03-14 2027-03-21', null],
    ['0 9 13 * 5', '2027-03-05 2027-03-12 2027-03-13', null],
    ['*/40 9-10 * * *', '2027-03-02 2027-03-02T09:40 2027-03-02T10:00', 'FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,40'],
    [
      '5,50-59/5 8-10/2 * * *',
      '2027-03-02T10:05 2027-03-02T10:50 2027-03-02T10:55',
      'FREQ=DAILY;BYHOUR=8,10;BYMINUTE=5,50,55',
    ],
  ])('cron %s', (cron, dates, rrule) => {
    expect(firstOf(cron, 3).join(' ')).toBe(dates)
    const rule = parseRule(cron, berlin)
    expect(rule.isEitherDay).toBe(rrule === null)
    if (rrule !== null) expect(rruleText(rule, startMs, berlin).replace(/;BYSECOND=0$/, '')).toBe(rrule)
  })

  it('writes UNTIL in UTC', () => {
    expect(rruleText(parseRule('FREQ=DAILY;UNTIL=20270701', berlin), startMs, berlin)).toBe(
      'FREQ=DAILY;UNTIL=20270701T215959Z',
    )
  })

  it.each([
    ['every monday', /is no rule: wanted is an RRULE such as/],
    ['@daily', /is no rule/],
    ['0 7 * * * *', /is no rule/],
    ['60 7 * * *', /minute of a cron expression is from 0 to 59, not "60"/],
    ['0 7 * * FRY', /day of the week .* not "FRY"/],
    ['0 7 31-1 * *', /day of the month .* a range goes upwards/],
    ['5/15 * * * *', /steps go through a range, 5-59\/15/],
    ['0 7 L * *', /day of the month .* not "L"/],
    ['*/0 7 * * *', /a step is at least 1/],
    ['BYDAY=MO', /it wants a FREQ, one of/],
    ['FREQ=WEEKLI', /not WEEKLI: did you mean WEEKLY\?/],
    ['FREQ=SECONDLY', /not SECONDLY/],
    ['FREQ=DAILY;BYHUOR=7', /no part "BYHUOR": did you mean BYHOUR\?/],
    ['FREQ=DAILY;FREQ=DAILY', /FREQ is there twice/],
    ['FREQ=DAILY;COUNT=', /COUNT has no value/],
    ['FREQ=DAILY;COUNT=0', /COUNT takes one number from 1 to 10000, not 0/],
    ['FREQ=DAILY;COUNT=3;UNTIL=20270701', /COUNT and UNTIL exclude each other/],
    ['FREQ=DAILY;UNTIL=tomorrow', /UNTIL is a date such as/],
    ['FREQ=DAILY;UNTIL=20270231', /UNTIL is a date such as/],
    ['FREQ=WEEKLY;BYDAY=MON', /BYDAY takes days such as MO, 2MO or -1FR, not MON/],
    ['FREQ=WEEKLY;BYDAY=XX', /BYDAY takes days of the week/],
    ['FREQ=WEEKLY;BYDAY=1MO', /numbered days .*MONTHLY and YEARLY only/],
    ['FREQ=MONTHLY;BYMONTHDAY=32', /BYMONTHDAY takes numbers from 1 to 31, or from -31 to -1/],
    ['FREQ=WEEKLY;BYMONTHDAY=1', /BYMONTHDAY does not go with FREQ=WEEKLY/],
    ['FREQ=YEARLY;BYWEEKNO=20', /BYWEEKNO wants a BYDAY/],
    ['FREQ=MONTHLY;BYSETPOS=1', /there is none/],
  ])('refuses %s', (rule, message) => {
    expect(() => parseRule(rule, berlin)).toThrow(message)
  })
})
