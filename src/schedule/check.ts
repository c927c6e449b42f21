import { compiledOf, datesOf, occurrencesOf } from './occurrences.ts'
import { wallTimesOf } from './recurrence.ts'
import type { Schedule } from './schedule.ts'
import { problemOf, type ScheduleProblem } from './schedule-error.ts'
import { DAY_MS, dayOf, parseDayMs, parseWallMs, wallText } from './wall.ts'
import { instantOf, instantsOf, zoneOf } from './zone.ts'

/**
 * All that is wrong with a schedule, each in one sentence: an unknown zone, a rule that is none, a time that does not exist, an exception
 * that leaves nothing out, a schedule that never fires. Empty: it is in order.
 */
export const checkSchedule = (schedule: Schedule): ScheduleProblem[] => {
  const broken = [
    problemOf(() => zoneOf(schedule.zone)),
    problemOf(() => compiledOf({ start: schedule.start, zone: 'UTC' })),
    problemOf(() => compiledOf({ ...plain, rule: schedule.rule })),
    ...(schedule.except ?? []).map((text) => problemOf(() => compiledOf({ ...plain, except: [text] }))),
    ...(schedule.also ?? []).map((text) => problemOf(() => compiledOf({ ...plain, also: [text] }))),
  ].filter((problem) => problem !== null)
  if (broken.length > 0) return broken
  const missing = [...timesInGaps(schedule), ...idleExceptions(schedule)]
  return [...missing, ...(missing.length === 0 ? neverFires(schedule) : [])]
}

const plain: Schedule = { start: '2000-01-01T00:00', zone: 'UTC' }

/** Times that somebody wrote down; those that a rule comes to are what `gap` is for. */
const timesInGaps = (schedule: Schedule): ScheduleProblem[] => {
  const zone = zoneOf(schedule.zone)
  const written = [['start', schedule.start] as const, ...(schedule.also ?? []).map((text) => ['also', text] as const)]
  return written.flatMap(([field, text]) => {
    const wallMs = parseWallMs(text) as number
    if (instantsOf(wallMs, zone).atMs.length > 0) return []
    const atMs = instantOf(wallMs, zone, { gap: 'shift' }) as number
    const shifted = wallText(atMs + zone.offsetMs(atMs)).slice(0, 16)
    const message = `${text} does not exist in ${schedule.zone}: the clocks are put forward over it; ${shifted} does`
    return [{ field, message }]
  })
}

const idleExceptions = (schedule: Schedule): ScheduleProblem[] => {
  const { zone, rule, startMs, policy } = compiledOf(schedule)
  const counted = rule?.count ? [...wallTimesOf(rule, startMs, startMs)] : undefined
  const named = (fromMs: number, toMs: number) => {
    for (const wallMs of rule === null ? [startMs] : (counted ?? wallTimesOf(rule, startMs, fromMs - DAY_MS))) {
      if (wallMs >= toMs + DAY_MS) return false
      if (wallMs < fromMs - DAY_MS) continue
      const atMs = instantOf(wallMs, zone, policy)
      const localMs = atMs === null ? wallMs : atMs + zone.offsetMs(atMs)
      if ([wallMs, localMs].some((ms) => ms >= fromMs && ms < toMs)) return true
    }
    return false
  }
  return (schedule.except ?? []).flatMap((text): ScheduleProblem[] => {
    const dayMs = parseDayMs(text)
    const fromMs = dayMs ?? (parseWallMs(text) as number)
    if (named(fromMs, dayMs === undefined ? fromMs + 1 : fromMs + DAY_MS)) return []
    const onDay = dayMs === undefined && named(dayOf(fromMs), dayOf(fromMs) + DAY_MS)
    const hint = onDay ? `; to leave out whatever happens that day, write ${text.slice(0, 10)}` : ''
    return [{ field: 'except', message: `${text} leaves nothing out: nothing happens then${hint}` }]
  })
}

const neverFires = (schedule: Schedule): ScheduleProblem[] => {
  const { rule, startMs } = compiledOf(schedule)
  if (occurrencesOf(schedule, { fromMs: startMs - 2 * DAY_MS }).length > 0) return []
  if (rule !== null && wallTimesOf(rule, startMs, startMs).next().done)
    return [{ field: 'rule', message: `The rule never fires: it names no date from ${schedule.start} on` }]
  const [first] = datesOf(schedule, { fromMs: startMs - 2 * DAY_MS })
  const isGap = first !== undefined && 'why' in first && first.why === 'gap'
  const message = isGap ? 'the rule names only times that do not exist, and they are skipped' : 'all of it is excepted'
  return [{ field: isGap ? 'gap' : 'except', message: `Nothing ever happens: ${message}` }]
}
