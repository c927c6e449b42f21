import { parseRule } from './parse-rule.ts'
import { SEARCH_MS, wallTimesOf } from './recurrence.ts'
import type { Rule } from './rule.ts'
import type { Occurrence, Schedule } from './schedule.ts'
import { scheduleError } from './schedule-error.ts'
import { DAY_MS, dayOf, parseDayMs, parseWallMs, wallText } from './wall.ts'
import { instantOf, type Zone, zoneOf } from './zone.ts'

/** An occurrence that the rule names and that does not happen: an exception, or a time that does not exist that day. */
export type Skipped = Pick<Occurrence, 'ruled'> & { why: 'except' | 'gap' }

/** `fromMs` is in, `toMs` is not; with neither `toMs` nor `count` it is the next one. */
export type Window = { fromMs: number; toMs?: number; count?: number }

/**
 * When it happens, ascending and each instant once. Rules are evaluated in wall time and then brought to the zone, as calendars do it; COUNT
 * counts what the rule names, exceptions included. A rule that never fires gives an empty list (the search is bounded). Throws a
 * `bad-schedule` error; `checkSchedule` tells all that is wrong.
 */
export const occurrencesOf = (schedule: Schedule, window: Window): Occurrence[] => {
  const found: Occurrence[] = []
  for (const date of datesOf(schedule, window)) if (!('why' in date)) found.push(date)
  return found
}

/** The same with what is left out and why, in between at its place. `count` counts what happens. */
export function* datesOf(schedule: Schedule, { fromMs, toMs, count }: Window): Generator<Occurrence | Skipped> {
  const compiled = compiledOf(schedule)
  let left = count ?? (toMs === undefined ? 1 : Number.POSITIVE_INFINITY)
  let lastMs = Math.max(fromMs, compiled.startMs)
  for (const { atMs, date } of inOrder(compiled, fromMs)) {
    if (atMs >= Math.min(toMs ?? Number.POSITIVE_INFINITY, lastMs + SEARCH_MS) || left === 0) return
    if (atMs < fromMs) continue
    if (!('why' in date)) {
      left--
      lastMs = Math.max(lastMs, atMs)
    }
    yield date
  }
}

/** A schedule, read. */
export type Compiled = {
  zone: Zone
  startMs: number
  rule: Rule | null
  /** Days and wall times. */
  exceptDays: ReadonlySet<number>
  exceptMs: ReadonlySet<number>
  /** Ascending. */
  alsoMs: number[]
  policy: Pick<Schedule, 'gap' | 'fold'>
}

export const compiledOf = (schedule: Schedule): Compiled => {
  const zone = zoneOf(schedule.zone)
  const except = schedule.except ?? []
  const days = except.map(parseDayMs)
  return {
    zone,
    startMs: wallOf('start', schedule.start),
    rule: schedule.rule === undefined ? null : parseRule(schedule.rule, zone),
    exceptDays: new Set(days.filter((day) => day !== undefined)),
    exceptMs: new Set(except.filter((_, index) => days[index] === undefined).map((text) => wallOf('except', text))),
    alsoMs: (schedule.also ?? []).map((text) => wallOf('also', text)).sort((a, b) => a - b),
    policy: schedule,
  }
}

const wallOf = (field: 'start' | 'except' | 'also', text: string): number => {
  const wallMs = parseWallMs(text)
  if (wallMs !== undefined) return wallMs
  const forms = field === 'except' ? '2027-03-01 or 2027-03-01T07:00' : '2027-03-01T07:00'
  const why = /[Zz]$|[+-]\d\d:?\d\d$/.test(text) ? ' (without an offset: the zone says it)' : ''
  throw scheduleError(field, `${JSON.stringify(text)} is no local time such as ${forms}${why}`)
}

/** `localMs` is the wall time that the clocks there say then. */
type Dated = { localMs: number; atMs: number; date: Occurrence | Skipped }

/** A time that is shifted out of a gap comes after others that the rule names later: it waits for them. */
function* inOrder(compiled: Compiled, fromMs: number): Generator<Dated> {
  let waiting: Dated[] = []
  let lastMs = Number.NEGATIVE_INFINITY
  // What is named in its own right is told before what was shifted there.
  const ready = (untilMs: number): Dated[] => {
    const out = waiting.filter(({ localMs }) => localMs < untilMs)
    waiting = waiting.filter(({ localMs }) => localMs >= untilMs)
    return out.sort((a, b) => a.localMs - b.localMs || (a.date.ruled < b.date.ruled ? 1 : -1))
  }
  const isNew = ({ atMs, date }: Dated): boolean => {
    const isTold = 'why' in date || atMs !== lastMs
    if (!('why' in date)) lastMs = atMs
    return isTold
  }
  for (const named of namedOf(compiled, fromMs)) {
    yield* ready(named.wallMs).filter(isNew)
    waiting.push(datedOf(named, compiled))
  }
  yield* ready(Number.POSITIVE_INFINITY).filter(isNew)
}

type Named = { wallMs: number; isAlso: boolean }

/** Two times may be on both sides of the date line's move, and a shift is at most a day. */
const MARGIN_MS = 2 * DAY_MS

/** What the rule names and what is added, ascending, each once; from about `fromMs` on. */
function* namedOf({ zone, rule, startMs, alsoMs }: Compiled, fromMs: number): Generator<Named> {
  const also = [...alsoMs]
  const earliestMs = fromMs + zone.offsetMs(fromMs) - MARGIN_MS
  for (const wallMs of rule === null ? [startMs] : wallTimesOf(rule, startMs, earliestMs)) {
    if (wallMs < earliestMs) continue
    while (also.length > 0 && (also[0] as number) <= wallMs) {
      const added = also.shift() as number
      if (added < wallMs) yield { wallMs: added, isAlso: true }
    }
    yield { wallMs, isAlso: alsoMs.includes(wallMs) }
  }
  for (const wallMs of also) yield { wallMs, isAlso: true }
}

/** What is added happens though its day is an exception: that is how a sitting is moved to another time of that day. */
const datedOf = ({ wallMs, isAlso }: Named, { zone, policy, exceptDays, exceptMs }: Compiled): Dated => {
  const ruled = wallText(wallMs)
  const atMs = instantOf(wallMs, zone, policy)
  if (atMs === null) {
    const thenMs = instantOf(wallMs, zone, { gap: 'shift' }) as number
    return { localMs: wallMs, atMs: thenMs, date: { ruled, why: 'gap' } }
  }
  const localMs = atMs + zone.offsetMs(atMs)
  const isLeftOut = exceptDays.has(dayOf(wallMs)) || exceptMs.has(wallMs) || exceptMs.has(localMs)
  if (isLeftOut && !isAlso) return { localMs, atMs, date: { ruled, why: 'except' } }
  return { localMs, atMs, date: { atMs, local: wallText(localMs), ruled } }
}
