import { describe, expect, it } from 'vitest'
import { checkSchedule } from '../../../src/schedule/check.ts'
import type { Schedule } from '../../../src/schedule/schedule.ts'
import { sittingAt } from '../../../src/schedule/sitting.ts'

const morning = { start: '2027-03-01T07:00', zone: 'Europe/Berlin', rule: 'FREQ=WEEKLY;BYDAY=MO,WE,FR' }
const told = (schedule: Schedule) => checkSchedule(schedule).map(({ field, message }) => `${field}: ${message}`)

describe('checkSchedule', () => {
  it('has nothing against one that is in order', () => {
    expect(told({ ...morning, except: ['2027-04-05', '2027-04-07T07:00'], also: ['2027-04-05T09:00'] })).toEqual([])
    expect(told({ start: '2027-03-01T07:00', zone: 'UTC' })).toEqual([])
    expect(told({ ...morning, zone: 'Asia/Kathmandu' })).toEqual([])
    expect(told({ ...morning, zone: 'US/Eastern' })).toEqual([])
  })

  it.each([
    ['Europe/Berln', 'did you mean Europe/Berlin?'],
    ['Berlin', 'did you mean Europe/Berlin?'],
    ['europe/berlin', 'did you mean Europe/Berlin?'],
    ['New_York', 'did you mean America/New_York?'],
    ['CEST+2', 'IANA names are like Europe/Berlin'],
    ['+02:00', 'IANA names are like Europe/Berlin'],
    ['', 'IANA names are like Europe/Berlin'],
  ])('knows no zone "%s"', (zone, hint) => {
    expect(told({ ...morning, zone })).toEqual([`zone: There is no time zone ${JSON.stringify(zone)}: ${hint}`])
  })

  it('tells all that cannot be read at once', () => {
    const schedule = {
      start: '2027-02-29T07:00',
      zone: 'Nowhere',
      rule: 'weekly',
      except: ['1.4.2027'],
      also: ['2027-04-01'],
    }
    expect(checkSchedule(schedule).map(({ field }) => field)).toEqual(['zone', 'start', 'rule', 'except', 'also'])
    expect(told({ ...morning, start: '2027-03-01T07:00+01:00' })[0]).toMatch(/without an offset: the zone says it/)
  })

  it('tells a written time that does not exist, and the one that does', () => {
    expect(told({ start: '2027-03-28T02:30', zone: 'Europe/Berlin' })).toEqual([
      'start: 2027-03-28T02:30 does not exist in Europe/Berlin: the clocks are put forward over it; 2027-03-28T03:30 does',
    ])
    expect(told({ ...morning, also: ['2027-03-28T02:30'] })[0]).toMatch(/^also: 2027-03-28T02:30 does not exist/)
  })

  it('tells an exception that leaves nothing out', () => {
    expect(told({ ...morning, except: ['2027-04-06', '2027-04-07T08:00', '2020-01-01'] })).toEqual([
      'except: 2027-04-06 leaves nothing out: nothing happens then',
      'except: 2027-04-07T08:00 leaves nothing out: nothing happens then; to leave out whatever happens that day, write 2027-04-07',
      'except: 2020-01-01 leaves nothing out: nothing happens then',
    ])
  })

  it.each([
    [{ rule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' }, /^rule: The rule never fires/],
    [{ rule: '0 7 31 2 *' }, /^rule: The rule never fires/],
    [{ rule: 'FREQ=DAILY;UNTIL=20270228' }, /^rule: The rule never fires/],
    [{ rule: 'FREQ=MINUTELY;INTERVAL=2;BYMINUTE=5' }, /^rule: The rule never fires/],
    [{ rule: 'FREQ=DAILY;COUNT=1', except: ['2027-03-01'] }, /^except: .*all of it is excepted/],
    [{ rule: '30 2 25-31 3 *', start: '2027-03-28T03:00', except: [], gap: 'skip' as const }, /^$/],
    [
      { rule: 'FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;BYHOUR=2', gap: 'skip' as const },
      /^gap: .*times that do not exist, and they are skipped/,
    ],
  ])('tells what never happens: %o', (more, wanted) => {
    expect(told({ ...morning, ...more }).join()).toMatch(wanted)
  })
})

describe('sittingAt', () => {
  const MINUTE_MS = 60_000
  const at = (utc: string, more: { durationMs?: number | null; catchupMs?: number } = {}) => {
    const rules = { opensBeforeMs: 5 * MINUTE_MS, durationMs: 36 * MINUTE_MS, catchupMs: 10 * MINUTE_MS, ...more }
    const found = sittingAt(morning, { nowMs: Date.parse(`${utc}:00Z`), ...rules })
    return found && [found.state, found.occurrence.local.slice(5, 16), found.missed?.local.slice(5, 16) ?? null]
  }

  it('is coming, then open, then on', () => {
    expect(at('2027-03-03T05:54')).toEqual(['coming', '03-03T07:00', null])
    expect(at('2027-03-03T05:55')).toEqual(['open', '03-03T07:00', null])
    expect(at('2027-03-03T06:00')).toEqual(['on', '03-03T07:00', null])
  })

  it('is caught up with inside the window, and else left for the next', () => {
    expect(at('2027-03-03T06:10')).toEqual(['on', '03-03T07:00', null])
    expect(at('2027-03-03T06:11')).toEqual(['coming', '03-05T07:00', '03-03T07:00'])
    expect(at('2027-03-03T06:37')).toEqual(['coming', '03-05T07:00', null])
    expect(at('2027-03-03T06:01', { catchupMs: 0 })).toEqual(['coming', '03-05T07:00', '03-03T07:00'])
    expect(at('2027-03-03T06:00', { catchupMs: 0 })).toEqual(['on', '03-03T07:00', null])
  })

  it('is over when the program is over, though the window is longer', () => {
    expect(at('2027-03-03T06:40', { catchupMs: 60 * MINUTE_MS })).toEqual(['coming', '03-05T07:00', null])
    expect(at('2027-03-03T06:40', { catchupMs: 60 * MINUTE_MS, durationMs: null })).toEqual(['on', '03-03T07:00', null])
  })

  it('is none when the schedule is over', () => {
    const once = { start: '2027-03-01T07:00', zone: 'UTC' }
    const rules = { opensBeforeMs: 0, durationMs: null, catchupMs: 0 }
    expect(sittingAt(once, { nowMs: Date.UTC(2027, 2, 1, 7, 0, 1), ...rules })).toBe(null)
  })
})
