import { apiError } from '../../protocol/errors.ts'
import { checkSchedule } from '../../schedule/check.ts'
import { occurrencesOf } from '../../schedule/occurrences.ts'
import type { Schedule } from '../../schedule/schedule.ts'
import { type LeaseState, takeLease } from './lease.ts'
import type { RoomState } from './room-state.ts'

const dayMs = 86_400_000
/** So far ahead occurrences are written, and so many at most. */
const aheadMs = 62 * dayMs
const aheadCount = 200
/** How long after the start somebody may take to open the room before the owner is told. */
export const unhostedAfterMs = 60_000
/** How long a host may be silent: longer than a server takes to come back, short enough for a room that waits. */
const leaseMs = 10_000
/** How long before the room opens a host may say that it will be it. */
const earlyMs = dayMs

/** When a session happens. Instants are milliseconds since 1970. */
export type Timing = { schedule: Schedule; durationMs: number; opensBeforeMs: number; closesAfterMs: number }
type OccurrenceTimes = {
  ruled: string
  local: string
  opensAt: number
  startsAt: number
  endsAt: number
  closesAt: number
}

/** Throws `bad-request` with the first thing that is wrong. */
export const requireSchedule = (schedule: Schedule): void => {
  const [problem] = checkSchedule(schedule)
  if (problem) throw apiError('bad-request', problem.message, { field: `schedule.${problem.field}` })
}

/**
 * The occurrences that start at `fromMs` or later, two months ahead, and in any case the next one; all that start before
 * `filledUntil` are among them.
 */
export const occurrencesAhead = (
  timing: Timing,
  fromMs: number,
): { occurrences: OccurrenceTimes[]; filledUntil: number } => {
  const toMs = fromMs + aheadMs
  const near = occurrencesOf(timing.schedule, { fromMs, toMs, count: aheadCount })
  const all = near.length > 0 ? near : occurrencesOf(timing.schedule, { fromMs, count: 1 })
  const last = all.at(-1)
  const isWhole = near.length > 0 && near.length < aheadCount
  return {
    occurrences: all.map(({ atMs, local, ruled }) => ({
      ruled,
      local,
      opensAt: atMs - timing.opensBeforeMs,
      startsAt: atMs,
      endsAt: atMs + timing.durationMs,
      closesAt: atMs + timing.durationMs + timing.closesAfterMs,
    })),
    filledUntil: isWhole ? toMs : last ? last.atMs + 1 : Number.MAX_SAFE_INTEGER,
  }
}

type Hosted = { isCancelled: boolean; opensAt: number; closesAt: number; lease: LeaseState | null }

/** The lease of an occurrence with `holder` as its host; `conflict` out of its time, and with `retryAfterMs` while it is another's. */
export const hostOccurrence = (
  { isCancelled, opensAt, closesAt, lease }: Hosted,
  holder: string,
  now: number,
): LeaseState => {
  if (isCancelled) throw apiError('conflict', 'This session was cancelled.')
  if (now >= closesAt) throw apiError('conflict', 'This session is over.')
  if (now < opensAt - earlyMs) throw apiError('conflict', 'This session is more than a day away.')
  const taken = takeLease(lease, holder, { now, ttlMs: leaseMs })
  if (taken) return taken.lease
  throw apiError('conflict', 'Another host holds this session.', { retryAfterMs: lease!.expiresAt - now })
}

/** A session may last longer than announced, by two days at most. */
export const requireExtension = (closesAt: number, { endsAt }: { endsAt: number }): void => {
  if (closesAt > endsAt + 2 * dayMs)
    throw apiError('bad-request', 'A session closes at most two days after its announced end.', { field: 'closesAt' })
}

/** The room stays until then. */
export const extendSession = (state: RoomState, closesAt: number): RoomState => {
  if (state.ended || !state.session || state.session.closesAt >= closesAt) return state
  const awaited = state.awaited && { ...state.awaited, until: Math.max(state.awaited.until, closesAt) }
  return { ...state, session: { ...state.session, closesAt }, awaited }
}
