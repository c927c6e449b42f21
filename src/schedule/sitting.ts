import { occurrencesOf } from './occurrences.ts'
import type { Occurrence, Schedule } from './schedule.ts'

export type SittingRules = {
  nowMs: number
  /** So long before its time the room is open. */
  opensBeforeMs: number
  /** Null: it has no known end. */
  durationMs: number | null
  /** A host that comes later than this leaves the sitting out. */
  catchupMs: number
}

/** `coming`: before the room opens. `open`: the room should be open, the program waits. `on`: it should run since `lateMs`. */
export type Sitting = {
  occurrence: Occurrence
  state: 'coming' | 'open' | 'on'
  opensAtMs: number
  endsAtMs: number | null
  lateMs: number
  /** One that would still go on, but that it is too late for. */
  missed: Occurrence | null
}

/**
 * The sitting that a host which starts now is to hold: the one that goes on and began at most `catchupMs` ago, else the next; null if none comes
 * any more. One that began at this very moment is not late.
 */
export const sittingAt = (schedule: Schedule, rules: SittingRules): Sitting | null => {
  const { nowMs, opensBeforeMs, durationMs, catchupMs } = rules
  const endOf = ({ atMs }: Occurrence) => (durationMs === null ? null : atMs + durationMs)
  const longestMs = Math.max(catchupMs, durationMs ?? 0)
  const begun = occurrencesOf(schedule, { fromMs: nowMs - longestMs, toMs: nowMs + 1 })
  const last = begun
    .filter((occurrence) => nowMs === occurrence.atMs || nowMs < (endOf(occurrence) ?? nowMs + 1))
    .at(-1)
  const isInTime = last !== undefined && nowMs - last.atMs <= catchupMs
  const occurrence = isInTime ? last : occurrencesOf(schedule, { fromMs: nowMs + 1 })[0]
  if (occurrence === undefined) return null
  const opensAtMs = occurrence.atMs - opensBeforeMs
  return {
    occurrence,
    state: occurrence.atMs <= nowMs ? 'on' : opensAtMs <= nowMs ? 'open' : 'coming',
    opensAtMs,
    endsAtMs: endOf(occurrence),
    lateMs: Math.max(0, nowMs - occurrence.atMs),
    missed: isInTime ? null : (last ?? null),
  }
}
