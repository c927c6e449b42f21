import type { ActorRecord, Evidence, Moment, Span, Window } from '../contract.ts'

/** A span whose end is known. */
export type Stretch = { fromMs: number; untilMs: number }

/** When that was; null where the step was never done. `startedAtMs`: when it was begun. */
export const momentOf = (moment: Moment, evidence: Evidence): { startedAtMs: number; atMs: number } | null => {
  if (moment.step === null) return { startedAtMs: moment.offsetMs, atMs: moment.offsetMs }
  const step = evidence.steps.find(({ index }) => index === moment.step)
  if (!step || step.doneAtMs === null) return null
  return { startedAtMs: step.startedAtMs + moment.offsetMs, atMs: step.doneAtMs + moment.offsetMs }
}

/** Null where one of its ends was never reached. */
export const windowOf = ({ from, until }: Window, evidence: Evidence): Stretch | null => {
  const start = from === null ? 0 : momentOf(from, evidence)?.atMs
  const end = until === null ? evidence.durationMs : momentOf(until, evidence)?.atMs
  return start === undefined || end === undefined
    ? null
    : { fromMs: start, untilMs: Math.min(end, evidence.durationMs) }
}

export const overlapMs = (a: Stretch, b: Stretch): number =>
  Math.max(0, Math.min(a.untilMs, b.untilMs) - Math.max(a.fromMs, b.fromMs))

const overlapOf = (a: Stretch, b: Stretch): Stretch | null =>
  overlapMs(a, b) > 0 ? { fromMs: Math.max(a.fromMs, b.fromMs), untilMs: Math.min(a.untilMs, b.untilMs) } : null

export const closed = (spans: readonly Span[], endMs: number): Stretch[] =>
  spans.map(({ fromMs, untilMs }) => ({ fromMs, untilMs: untilMs ?? endMs }))

/** When all of them were in the room. */
export const togetherOf = (actors: readonly ActorRecord[], within: Stretch, endMs: number): Stretch[] =>
  actors.reduce<Stretch[]>(
    (left, { stays }) =>
      left.flatMap((stretch) => closed(stays, endMs).flatMap((stay) => overlapOf(stretch, stay) ?? [])),
    [within],
  )

/** `3.2 s` of the run, as a person reads it. */
export const timeText = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

export const msText = (ms: number): string => `${Math.round(ms)} ms`
