import { type Compiled, compiledOf, datesOf, occurrencesOf } from './occurrences.ts'
import { wallTimesOf } from './recurrence.ts'
import { rruleText } from './rrule.ts'
import type { Schedule } from './schedule.ts'
import { DAY_MS, parseWallMs } from './wall.ts'
import { instantOf, instantsOf, transitionsOf, type Zone } from './zone.ts'

/** A schedule in the terms of iCalendar; all in wall time. */
export type EventDates = {
  zone: Zone
  /** DTSTART: the first time that is named, be it excepted. */
  startMs: number
  rrule: string | null
  /** EXDATE */
  exceptMs: number[]
  /** RDATE */
  alsoMs: number[]
  /** Named times that do not exist or come twice, with the instant that is meant: readers differ in what they make of them. */
  moved: Map<number, number>
}

/** Null: it never happens, or what had to be written out is over. */
export const eventDates = (schedule: Schedule, nowMs: number): EventDates | null => {
  const compiled = compiledOf(schedule)
  const { rule, startMs, zone } = compiled
  const horizon = horizonOf(compiled, nowMs)
  if (rule?.isEitherDay) return writtenOut(schedule, zone, horizon)
  const first = rule === null ? startMs : wallTimesOf(rule, startMs, startMs).next().value
  const [named, ...alsoMs] = first === undefined ? compiled.alsoMs : [first, ...compiled.alsoMs]
  if (named === undefined) return null
  const { inGaps, moved } = atChanges(schedule, zone, horizon)
  return {
    zone,
    startMs: named,
    rrule: rule === null || first === undefined ? null : rruleText(rule, named, zone),
    exceptMs: ascending([...exceptedIn(schedule, compiled), ...inGaps]),
    alsoMs: rule === null || first === undefined ? withStart(alsoMs, named) : alsoMs,
    moved,
  }
}

type Horizon = { fromMs: number; toMs: number }

const BEHIND_MS = 31 * DAY_MS
const AHEAD_MS = 2 * 366 * DAY_MS
const MAX_WRITTEN = 1000

const horizonOf = ({ startMs }: Compiled, nowMs: number): Horizon => {
  const fromMs = Math.max(nowMs - BEHIND_MS, startMs - DAY_MS)
  return { fromMs, toMs: fromMs + AHEAD_MS }
}

const writtenOut = (schedule: Schedule, zone: Zone, { fromMs, toMs }: Horizon): EventDates | null => {
  const within = occurrencesOf(schedule, { fromMs, toMs, count: MAX_WRITTEN })
  const found = within.length > 0 ? within : occurrencesOf(schedule, { fromMs })
  const [startMs, ...alsoMs] = found.map(({ ruled }) => wallOf(ruled))
  if (startMs === undefined) return null
  const { moved } = atChanges(schedule, zone, { fromMs, toMs })
  return { zone, startMs, rrule: null, exceptMs: [], alsoMs: withStart(alsoMs, startMs), moved }
}

/** Where there are only dates, some readers (ical.js) take the start for one of them only if it is among them. */
const withStart = (alsoMs: number[], startMs: number): number[] =>
  alsoMs.length === 0 ? [] : ascending([startMs, ...alsoMs])

/**
 * What becomes of the sittings at each change of the clocks. One that is swallowed is told as an exception; but readers shift it first, so
 * where another one sounds at that instant there is none: it would be left out as well.
 */
const atChanges = (schedule: Schedule, zone: Zone, { fromMs, toMs }: Horizon) => {
  const inGaps: number[] = []
  const moved = new Map<number, number>()
  for (const change of transitionsOf(zone, fromMs, toMs)) {
    const dates = [...datesOf(schedule, { fromMs: change.atMs - DAY_MS, toMs: change.atMs + DAY_MS })]
    for (const date of dates) {
      const wallMs = wallOf(date.ruled)
      const { atMs } = instantsOf(wallMs, zone)
      if (!('why' in date) && atMs.length !== 1) moved.set(wallMs, date.atMs)
      const isTaken = dates.some(
        (other) => !('why' in other) && other.atMs === instantOf(wallMs, zone, { gap: 'shift' }),
      )
      if ('why' in date && date.why === 'gap' && !isTaken) inGaps.push(wallMs)
    }
  }
  return { inGaps, moved }
}

const exceptedIn = (schedule: Schedule, { exceptDays, exceptMs }: Compiled): number[] =>
  [...exceptDays, ...exceptMs].flatMap((wallMs) =>
    [...datesOf(schedule, { fromMs: wallMs - 2 * DAY_MS, toMs: wallMs + 3 * DAY_MS })].flatMap((date) =>
      'why' in date && date.why === 'except' ? [wallOf(date.ruled)] : [],
    ),
  )

const wallOf = (ruled: string): number => parseWallMs(ruled) as number

const ascending = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b)
