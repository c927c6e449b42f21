import type { GuardAction } from '../cut-guard.ts'
import type { SessionScript } from '../script/script.ts'

/** Session time `programMs` was due at `wallMs` (ms since 1970), and time has run since. */
type Anchor = { programMs: number; wallMs: number }
type HumanPause = { by: string; sinceMs: number }

/** What one sitting's program has to do with the clock, with people and with the room. */
export type Air = {
  hasBegun: boolean
  /** Wall time before which nothing sounds. */
  startMs: number
  /** Where the program should be by the clock; null until it has begun, where it follows no clock. */
  anchor: Anchor | null
  /** Where a program that follows no clock begins. */
  fromMs: number
  human: HumanPause | null
  isPausedEmpty: boolean
  /** Nobody but bots has been there since then. */
  emptySinceMs: number | null
  /** Nothing can be heard by anybody: by the cut guard. */
  isCut: boolean
}

/** What is kept of it over a crash. */
export type AirRecord = Pick<Air, 'hasBegun' | 'anchor' | 'human'> & { programMs: number }

export type AirInput =
  /** A few times a second: where the program is, what the cut guard found, who is there. */
  | { type: 'look'; nowMs: number; programMs: number; guard: GuardAction; people: number }
  | { type: 'pause'; nowMs: number; by: string }
  | { type: 'resume'; nowMs: number; programMs: number }
  /** A command moved the program: from here on the clock counts anew. */
  | { type: 'moved'; nowMs: number; programMs: number }

export type AirAction =
  | { do: 'begin'; fromMs: number; lateMs: number }
  /** The way is cut: silence, the position stands. */
  | { do: 'hold' }
  /** The cut is over: `back` to what may have been lost, or `on` to where it should be by now. */
  | { do: 'go-on'; fromMs: number; by: 'back' | 'on' }
  | { do: 'pause'; cause: 'human' | 'empty' }
  /** `fromMs`: where the clock is meanwhile; null: where it stopped. */
  | { do: 'resume'; fromMs: number | null; after: 'human' | 'empty' }
  /** The process was stopped, or the machine slept: on to where it should be. */
  | { do: 'catch-up'; fromMs: number }
  | { do: 'end'; cause: 'empty' }

export type AirPolicy = Pick<SessionScript['when'], 'crash' | 'empty' | 'late'>

/** A start so little late loses nothing of its first sound. */
const ON_TIME_MS = 500
/** A program behind its clock by more than this was held up by the machine. */
const BEHIND_MS = 1000
/** How long a room is empty before that counts: people come back after a cut. */
const EMPTY_PAUSES_MS = 2000
const EMPTY_ENDS_MS = 60_000

/**
 * Begins a sitting, or takes one up where the record of a former process says: by `clock` where it should be by now, by
 * `place` where it stopped. A pause by a human is still one. Without `startMs` it begins as soon as it can be heard.
 */
export const beginAir = (policy: AirPolicy, startMs: number | null, record: AirRecord | null): Air => ({
  ...{ hasBegun: false, isPausedEmpty: false, emptySinceMs: null, isCut: true },
  startMs: startMs ?? Number.NEGATIVE_INFINITY,
  anchor:
    policy.crash === 'place'
      ? null
      : record
        ? record.anchor
        : startMs === null
          ? null
          : { programMs: 0, wallMs: startMs },
  fromMs: record?.programMs ?? 0,
  human: record?.human ?? null,
})

/** Where the program should be now; null where it follows no clock yet. */
export const dueMs = ({ anchor }: Pick<Air, 'anchor'>, nowMs: number): number | null =>
  anchor && anchor.programMs + nowMs - anchor.wallMs

/** Values in, values out: the next state, and what the program is to do. */
export const stepAir = (air: Air, policy: AirPolicy, input: AirInput): { air: Air; actions: AirAction[] } => {
  switch (input.type) {
    case 'look':
      return look(air, policy, input)
    case 'pause':
      return air.human
        ? { air, actions: [] }
        : { air: { ...air, human: { by: input.by, sinceMs: input.nowMs } }, actions: [{ do: 'pause', cause: 'human' }] }
    case 'resume':
      return resume(air, policy, input)
    case 'moved':
      return { air: { ...air, anchor: { programMs: input.programMs, wallMs: input.nowMs } }, actions: [] }
  }
}

type Look = Extract<AirInput, { type: 'look' }>
type Step = { air: Air; actions: AirAction[] }

const look = (was: Air, policy: AirPolicy, input: Look): Step => {
  const { nowMs, programMs, guard } = input
  const actions: AirAction[] = []
  let air = { ...was, isCut: guard.do === 'hold' ? true : guard.do === 'resume' ? false : was.isCut }
  if (!air.hasBegun) return begin(air, nowMs)
  if (guard.do === 'hold') actions.push({ do: 'hold' })
  if (guard.do === 'resume') {
    const due = policy.crash === 'clock' && !isPaused(air) ? dueMs(air, nowMs) : null
    const fromMs = due ?? Math.min(programMs, guard.fromProgramMs)
    actions.push({ do: 'go-on', fromMs, by: due === null ? 'back' : 'on' })
    if (due === null && !isPaused(air)) air = { ...air, anchor: { programMs: fromMs, wallMs: nowMs } }
  }
  const room = lookAtRoom(air, policy, input)
  air = room.air
  actions.push(...room.actions)
  if (actions.length === 0 && !air.isCut && !isPaused(air) && policy.crash === 'clock') {
    const due = dueMs(air, nowMs)
    if (due !== null && due - programMs > BEHIND_MS) actions.push({ do: 'catch-up', fromMs: due })
  }
  return { air, actions }
}

export const isPaused = ({ human, isPausedEmpty }: Pick<Air, 'human' | 'isPausedEmpty'>): boolean =>
  human !== null || isPausedEmpty

const begin = (air: Air, nowMs: number): Step => {
  if (air.isCut || nowMs < air.startMs) return { air, actions: [] }
  const due = air.human ? null : dueMs(air, nowMs)
  const lateMs = due ?? 0
  const fromMs = due === null ? air.fromMs : due <= ON_TIME_MS ? 0 : due
  const anchor =
    due === null || due <= ON_TIME_MS ? (air.human && air.anchor) || { programMs: fromMs, wallMs: nowMs } : air.anchor
  const actions: AirAction[] = [{ do: 'begin', fromMs, lateMs }]
  if (air.human) actions.unshift({ do: 'pause', cause: 'human' })
  return { air: { ...air, hasBegun: true, anchor }, actions }
}

const lookAtRoom = (air: Air, policy: AirPolicy, { nowMs, programMs, people }: Look): Step => {
  if (people > 0) {
    const next = { ...air, emptySinceMs: null, isPausedEmpty: false }
    if (!air.isPausedEmpty) return { air: next, actions: [] }
    // A human's pause outlasts that of the empty room.
    if (air.human) return { air: next, actions: [] }
    return {
      air: { ...next, anchor: { programMs, wallMs: nowMs } },
      actions: [{ do: 'resume', fromMs: null, after: 'empty' }],
    }
  }
  const emptySinceMs = air.emptySinceMs ?? nowMs
  const next = { ...air, emptySinceMs }
  if (policy.empty === 'end' && nowMs - emptySinceMs >= EMPTY_ENDS_MS)
    return { air: next, actions: [{ do: 'end', cause: 'empty' }] }
  if (policy.empty !== 'pause' || air.isPausedEmpty || nowMs - emptySinceMs < EMPTY_PAUSES_MS)
    return { air: next, actions: [] }
  return {
    air: { ...next, isPausedEmpty: true },
    actions: air.human ? [] : [{ do: 'pause', cause: 'empty' }],
  }
}

const resume = (air: Air, { late }: AirPolicy, { nowMs, programMs }: Extract<AirInput, { type: 'resume' }>): Step => {
  if (!isPaused(air)) return { air, actions: [] }
  // Somebody who asks for sound in an empty room wants it.
  const next = { ...air, human: null, isPausedEmpty: false, emptySinceMs: null }
  const due = air.human && late === 'clock' ? dueMs(air, nowMs) : null
  if (due !== null) return { air: next, actions: [{ do: 'resume', fromMs: due, after: 'human' }] }
  return {
    air: { ...next, anchor: { programMs, wallMs: nowMs } },
    actions: [{ do: 'resume', fromMs: null, after: 'human' }],
  }
}
