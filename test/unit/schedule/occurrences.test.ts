import { describe, expect, it } from 'vitest'
import { datesOf, occurrencesOf } from '../../../src/schedule/occurrences.ts'
import type { Schedule } from '../../../src/schedule/schedule.ts'

const utc = (text: string) => Date.parse(`${text}Z`)
const instants = (schedule: Schedule, fromUtc: string, count: number) =>
  occurrencesOf(schedule, { fromMs: utc(fromUtc), count }).map(({ atMs }) => new Date(atMs).toISOString().slice(0, 16))

describe('occurrencesOf', () => {
  it('keeps the local time over both changes of the clocks', () => {
    const berlin = { start: '2027-03-01T07:00', zone: 'Europe/Berlin', rule: 'FREQ=WEEKLY;BYDAY=MO,WE,FR' }
    expect(instants(berlin, '2027-03-25T00:00', 3)).toEqual([
      '2027-03-26T06:00',
      '2027-03-29T05:00',
      '2027-03-31T05:00',
    ])
    expect(instants(berlin, '2027-10-29T00:00', 2)).toEqual(['2027-10-29T05:00', '2027-11-01T06:00'])
  })

  it('happens once without a rule, and not before its start', () => {
    const once = { start: '2027-03-01T07:00', zone: 'UTC' }
    expect(instants(once, '2027-01-01T00:00', 3)).toEqual(['2027-03-01T07:00'])
    expect(instants(once, '2027-03-01T07:01', 3)).toEqual([])
    const daily = { ...once, rule: '0 6 * * *' }
    expect(instants(daily, '2020-01-01T00:00', 1)).toEqual(['2027-03-02T06:00'])
  })

  it('shifts a time out of the gap by the gap, or skips it', () => {
    const night = { start: '2027-03-01T02:30', zone: 'Europe/Berlin', rule: 'FREQ=DAILY' }
    const [, shifted] = occurrencesOf(night, { fromMs: utc('2027-03-27T00:00'), count: 2 })
    expect(shifted).toEqual({
      atMs: utc('2027-03-28T01:30'),
      local: '2027-03-28T03:30:00',
      ruled: '2027-03-28T02:30:00',
    })
    const skipping = { ...night, gap: 'skip' } as const
    expect(instants(skipping, '2027-03-27T00:00', 2)).toEqual(['2027-03-27T01:30', '2027-03-29T00:30'])
    const told = [...datesOf(skipping, { fromMs: utc('2027-03-28T00:00'), count: 1 })]
    expect(told[0]).toEqual({ ruled: '2027-03-28T02:30:00', why: 'gap' })
  })

  it('tells what was shifted after what comes before it, and one instant once', () => {
    const both = { start: '2027-03-01T02:30', zone: 'Europe/Berlin', rule: '0,30 2,3 * * *' }
    const found = occurrencesOf(both, { fromMs: utc('2027-03-28T00:00'), toMs: utc('2027-03-28T12:00') })
    expect(found.map(({ ruled }) => ruled)).toEqual(['2027-03-28T03:00:00', '2027-03-28T03:30:00'])
  })

  it('takes the first or the second of a time that comes twice', () => {
    const night: Schedule = { start: '2027-10-01T02:30', zone: 'Europe/Berlin', rule: 'FREQ=DAILY' }
    expect(instants(night, '2027-10-31T00:00', 1)).toEqual(['2027-10-31T00:30'])
    expect(instants({ ...night, fold: 'second' }, '2027-10-31T00:00', 1)).toEqual(['2027-10-31T01:30'])
  })

  it('leaves out days and times, and adds times even on such a day', () => {
    const daily = { start: '2027-03-01T07:00', zone: 'UTC', rule: 'FREQ=DAILY' }
    const moved = {
      ...daily,
      except: ['2027-03-02', '2027-03-04T07:00'],
      also: ['2027-03-02T09:00', '2027-03-03T07:00'],
    }
    expect(instants(moved, '2027-03-01T00:00', 4)).toEqual([
      '2027-03-01T07:00',
      '2027-03-02T09:00',
      '2027-03-03T07:00',
      '2027-03-05T07:00',
    ])
    const why = [...datesOf(moved, { fromMs: utc('2027-03-01T00:00'), count: 4 })].flatMap((date) =>
      'why' in date ? [`${date.ruled} ${date.why}`] : [],
    )
    expect(why).toEqual(['2027-03-02T07:00:00 except', '2027-03-04T07:00:00 except'])
  })

  it.each([
    ['Australia/Lord_Howe', '2027-10-03T02:15', ['2027-10-02T15:45', '2027-10-03T15:15']],
    ['Asia/Kathmandu', '2027-10-03T02:15', ['2027-10-02T20:30', '2027-10-03T20:30']],
    ['Pacific/Apia', '2011-12-29T10:00', ['2011-12-29T20:00', '2011-12-30T20:00']],
    ['America/New_York', '2027-03-14T02:30', ['2027-03-14T07:30', '2027-03-15T06:30']],
    ['Africa/Casablanca', '2027-02-06T12:00', ['2027-02-06T11:00', '2027-02-07T12:00']],
  ])('knows the clocks of %s', (zone, start, wanted) => {
    expect(instants({ start, zone, rule: 'FREQ=DAILY' }, '2000-01-01T00:00', 2)).toEqual(wanted)
  })

  it('ends with COUNT and UNTIL, both included', () => {
    const start = { start: '2027-03-01T07:00', zone: 'Europe/Berlin' }
    const all = (rule: string) => instants({ ...start, rule }, '2020-01-01T00:00', 100).length
    expect(all('FREQ=DAILY;COUNT=5')).toBe(5)
    expect(all('FREQ=DAILY;UNTIL=20270305')).toBe(5)
    expect(all('FREQ=DAILY;UNTIL=20270305T065959')).toBe(4)
    expect(all('FREQ=DAILY;UNTIL=20270305T060000Z')).toBe(5)
  })

  it('comes to an end where nothing ever happens', () => {
    const start = { start: '2027-03-01T02:30', zone: 'Europe/Berlin' }
    const never = ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', '0 0 31 2,4 *', 'FREQ=MINUTELY;INTERVAL=2;BYMINUTE=5']
    for (const rule of never) expect(instants({ ...start, rule }, '2027-01-01T00:00', 1)).toEqual([])
    const gaps: Schedule = { ...start, rule: 'FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU', gap: 'skip' }
    expect(instants(gaps, '2027-01-01T00:00', 1)).toEqual([])
  })

  it('finds what is far ahead without counting all before it', () => {
    const minutely = { start: '2000-01-01T00:00', zone: 'UTC', rule: 'FREQ=MINUTELY;INTERVAL=7' }
    expect(instants(minutely, '2099-01-01T00:00', 1)).toEqual(['2099-01-01T00:03'])
    const leap = { start: '2028-03-01T00:00', zone: 'UTC', rule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU' }
    expect(instants(leap, '2084-01-01T00:00', 2)).toEqual(['2088-02-29T00:00', '2128-02-29T00:00'])
  })
})
