import type { Schedule } from '../../schedule/schedule.ts'
import { sittingAt } from '../../schedule/sitting.ts'
import type { SessionScript } from '../script/script.ts'
import { dueMs } from './air.ts'
import type { Journal } from './journal.ts'

/** One time that a session is held. */
export type NextSitting = {
  /** The local time that its rule named, or the instant of a start by hand. */
  occurrence: string
  /** As a clock on the wall there says it; null for a start by hand. */
  local: string | null
  /** Null: at once. */
  startMs: number | null
  opensAtMs: number
  /** Of a host before: it is taken up. */
  journal: Journal | null
  isScheduled: boolean
}

type Rules = {
  script: Pick<SessionScript, 'schedule' | 'when' | 'room'>
  /** How long the program takes; null: without end. */
  durationMs: number | null
  journal: Journal | null
  nowMs: number
  /** Begin at once, whatever the schedule says. */
  isNow: boolean
  /** An occurrence that is not to be held: cancelled, or ended by others. */
  passedOver?: string | null
}

/** What a program without end, or one that follows no clock, may have been interrupted for. */
const TAKEN_UP_WITHIN_MS = 24 * 3_600_000

/** The sitting that a host which starts now is to hold, and whether it goes on with one; null if none comes any more. */
export const nextSitting = (rules: Rules): NextSitting | null => {
  const { script, journal, nowMs, isNow, passedOver = null } = rules
  const begun = journal && journal.occurrence !== passedOver && takenUp(rules, journal)
  if (begun) return begun
  if (isNow || !script.schedule) return byHand(nowMs)
  const { catchupMs, ...schedule } = script.schedule
  const opensBeforeMs = script.room.opensBeforeMs
  const found = sittingAt(schedule, { nowMs, opensBeforeMs, durationMs: rules.durationMs, catchupMs })
  if (!found) return null
  // That one is over, whoever ended it: the next one.
  const { ruled } = found.occurrence
  const isOver = ruled === passedOver || (journal?.phase === 'over' && journal.occurrence === ruled)
  const sitting = isOver ? after(schedule, found.occurrence.atMs, opensBeforeMs) : found
  if (!sitting) return null
  const { occurrence, opensAtMs } = sitting
  return {
    occurrence: occurrence.ruled,
    local: occurrence.local,
    startMs: occurrence.atMs,
    opensAtMs,
    journal: null,
    isScheduled: true,
  }
}

const byHand = (nowMs: number): NextSitting => ({
  ...{ occurrence: new Date(nowMs).toISOString(), local: null, startMs: null, opensAtMs: nowMs },
  ...{ journal: null, isScheduled: false },
})

const after = (schedule: Schedule, atMs: number, opensBeforeMs: number) =>
  sittingAt(schedule, { nowMs: atMs + 1, opensBeforeMs, durationMs: null, catchupMs: 0 })

const takenUp = ({ script, durationMs, nowMs, isNow }: Rules, journal: Journal): NextSitting | null => {
  if (journal.phase === 'over') return null
  const isByHand = journal.startMs === null
  if (isNow && !isByHand) return null
  if (!isByHand && !script.schedule) return null
  if (isPast(script.when.crash, durationMs, nowMs, journal)) return null
  return {
    occurrence: journal.occurrence,
    local: isByHand ? null : journal.occurrence,
    startMs: journal.startMs,
    opensAtMs: nowMs,
    journal,
    isScheduled: !isByHand,
  }
}

/** By its clock it would be over; where it follows none, or is paused, it was left too long ago. */
const isPast = (crash: 'clock' | 'place', durationMs: number | null, nowMs: number, journal: Journal): boolean => {
  const due = crash === 'clock' && !journal.human ? dueMs(journal, nowMs) : null
  if (due === null || durationMs === null) return nowMs - journal.writtenMs > TAKEN_UP_WITHIN_MS
  return due >= durationMs
}
