import { describe, expect, it } from 'vitest'
import { type RunLine, runRows } from '../../../../src/bot/host/as-run.ts'

const base = { session: 'radio', occurrence: '2027-03-01T07:00:00' }
const at = (s: number) => new Date(Date.UTC(2027, 2, 1, 6, 0, s)).toISOString()
const begun = (id: string, s: number, title: string | null = id): RunLine => ({
  ...base,
  ...{ type: 'begun', at: at(s), id, cue: 'songs', kind: 'sound', title, artist: null, listeners: 3 },
})
const over = (id: string, s: number, sentMs: number, cause: 'end' | 'skip' | 'interrupted' = 'end'): RunLine => ({
  ...base,
  ...{ type: 'over', at: at(s), id, sentMs, cause, message: null },
})
const rows = (...lines: RunLine[]) =>
  runRows(lines).map(({ title, startedAt, seconds, reason }) => [title, startedAt, seconds, reason])

describe('the as-run log', () => {
  it('gives a row for each thing, with its start, seconds and why it was cut', () => {
    expect(rows(begun('a', 0), over('a', 10, 10_000), begun('b', 10), over('b', 14, 3980, 'skip'))).toEqual([
      ['a', at(0), 10, null],
      ['b', at(10), 3.98, 'skip'],
    ])
  })

  it('takes what a crash cut and its successor went on with for one', () => {
    const one = rows(begun('a', 0), over('a', 4, 4000, 'interrupted'), begun('a', 6), over('a', 12, 6000))
    expect(one).toEqual([['a', at(0), 10, null]])
    // The successor died before it could write what the first had sent.
    expect(rows(begun('a', 0), begun('a', 6), over('a', 12, 6000))).toEqual([['a', at(0), 6, null]])
  })

  it('counts the same song twice when it was played twice', () => {
    expect(rows(begun('a', 0), over('a', 10, 10_000), begun('a', 10), over('a', 20, 10_000))).toHaveLength(2)
  })

  it('makes a row of each title of a stream', () => {
    const title = (s: number, name: string, sentMs: number): RunLine => ({
      ...base,
      ...{ type: 'title', at: at(s), id: 'radio', title: name, artist: 'X', sentMs, listeners: 4 },
    })
    expect(
      rows(begun('radio', 0, 'Station'), title(0, 'One', 300), title(30, 'Two', 30_000), over('radio', 50, 50_000)),
    ).toEqual([
      ['One', at(0), 30, null],
      ['Two', at(30), 20, null],
    ])
  })

  it('knows from the journal how long what is under way has been on air', () => {
    const [row] = runRows([begun('a', 0)], [{ occurrence: base.occurrence, id: 'a', sentMs: 4200 }])
    expect(row).toMatchObject({ seconds: 4.2, reason: 'on air' })
  })
})
