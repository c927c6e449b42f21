import type { AlertKind } from '../script/script.ts'

/** How a session stands at one moment; times are ms since 1970. */
export type Standing = {
  nowMs: number
  /** Since when it has to be on air: the sitting's start, or the start of a host that came later; null: not now. */
  dueSinceMs: number | null
  isOnAir: boolean
  deadSinceMs: number | null
  /** What a check found wrong with a sitting that is near; null: nothing, or not checked. */
  checkProblem: string | null
  /** A host that has only begun does not know yet how the session stands: what was told before it stands. */
  isSettled: boolean
  /** Why it is not as it should be, as far as that is known. */
  reason: string | null
}

/** Told once when it begins and once when it is over. */
export type IncidentNews = {
  kind: AlertKind
  state: 'began' | 'over'
  /** When what is wrong began, which is before it is told. */
  sinceMs: number
  message: string
}

type OwnKind = Exclude<AlertKind, 'unhosted'>
/** Incidents that were told and are not over, with when each began, ms since 1970. */
export type OpenIncidents = Partial<Record<OwnKind, number>>

export const NOT_ON_AIR_AFTER_MS = 30_000
const DEAD_AIR_AFTER_MS = 10_000

/**
 * Keeps the incidents of one session. Values in, values out; `observe` is called about once a second. `before`: those that
 * a host before had told of.
 */
export const createIncidents = (before: OpenIncidents = {}) => {
  const open = new Map(kinds.flatMap((kind) => (before[kind] === undefined ? [] : [[kind, before[kind]] as const])))
  return {
    /** Those that are open, with when each began. */
    open: (): OpenIncidents => Object.fromEntries(open),
    observe: (standing: Standing): IncidentNews[] =>
      kinds.flatMap((kind): IncidentNews[] => {
        const found = troubles[kind](standing)
        const sinceMs = open.get(kind)
        if (found && sinceMs === undefined) {
          open.set(kind, found.sinceMs)
          return [{ kind, state: 'began', ...found }]
        }
        // What was told stands until all is well again, not only until it is below the limit.
        if (sinceMs === undefined || found || !standing.isSettled || !isWell[kind](standing)) return []
        open.delete(kind)
        return [{ kind, state: 'over', sinceMs, message: overs[kind](seconds(standing.nowMs - sinceMs)) }]
      }),
  }
}

const kinds: readonly OwnKind[] = ['not-on-air', 'dead-air', 'check-failed']

type Trouble = { sinceMs: number; message: string }

const troubles: Record<OwnKind, (standing: Standing) => Trouble | undefined> = {
  'not-on-air': ({ nowMs, dueSinceMs, isOnAir, reason }) =>
    dueSinceMs !== null && !isOnAir && nowMs - dueSinceMs >= NOT_ON_AIR_AFTER_MS
      ? { sinceMs: dueSinceMs, message: because(`Not on air ${seconds(nowMs - dueSinceMs)} after its start`, reason) }
      : undefined,
  'dead-air': ({ nowMs, deadSinceMs, reason }) =>
    deadSinceMs !== null && nowMs - deadSinceMs >= DEAD_AIR_AFTER_MS
      ? { sinceMs: deadSinceMs, message: because(`Dead air for ${seconds(nowMs - deadSinceMs)}`, reason) }
      : undefined,
  'check-failed': ({ nowMs, checkProblem }) =>
    checkProblem === null ? undefined : { sinceMs: nowMs, message: checkProblem },
}

const isWell: Record<OwnKind, (standing: Standing) => boolean> = {
  'not-on-air': ({ dueSinceMs, isOnAir }) => isOnAir || dueSinceMs === null,
  'dead-air': ({ deadSinceMs }) => deadSinceMs === null,
  'check-failed': ({ checkProblem }) => checkProblem === null,
}

const overs: Record<OwnKind, (after: string) => string> = {
  'not-on-air': (after) => `On air, or no longer due, after ${after}.`,
  'dead-air': (after) => `On air again after ${after} of dead air.`,
  'check-failed': (after) => `The check passes again, after ${after}.`,
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`
const because = (what: string, reason: string | null): string =>
  `${what}${reason ? `: ${reason}` : ''}.`.replace('..', '.')
