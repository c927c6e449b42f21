import { type Located, partOf } from '../../yaml/document.ts'
import { meant, type Place, type Problem, quoted } from '../../yaml/problem.ts'
import { readShape } from '../../yaml/shape-problems.ts'
import { asList } from '../../yaml/values.ts'
import type { ActorPlan, Expectation, HearLimits, Plane, RoomLimits, StepPlan } from '../contract.ts'
import { levelOf, likeOf, type MomentReading, momentOf, withinOf } from './limits.ts'
import { type CheckShape, expectationShapes, type HearShape, type RoomShape } from './shape.ts'
import { type Reading, readingAt, shareOf } from './words.ts'

export type ExpectationsContext = {
  file: string
  plane: Plane
  actors: readonly ActorPlan[]
  steps: readonly StepPlan[]
  problems: Problem[]
}

/** What a check expects; what cannot be expected is told in the problems and left out. */
export const expectationsOf = (
  shape: CheckShape['expect'],
  located: Located,
  context: ExpectationsContext,
): Expectation[] => {
  const found: Expectation[] = []
  const isList = Array.isArray(shape)
  for (const [at, given] of asList(shape).entries()) {
    const part = isList ? partOf(located, [at]) : located
    const entries = typeof given === 'string' ? [[given, null] as const] : Object.entries(given)
    if (entries.length === 0) context.problems.push({ place: part.placeOf([]), message: 'nothing is expected here' })
    for (const [text, limits] of entries) {
      const isText = typeof given === 'string'
      const place = part.placeOf(isText ? [] : [text], 'key')
      const value = isText ? { value: null, placeOf: part.placeOf } : partOf(part, [text])
      const parsed = expectationOf(text.trim(), limits, { place, value, context, index: found.length })
      if (parsed) found.push(parsed)
    }
  }
  return found
}

type Where = { place: Place; value: Located; context: ExpectationsContext; index: number }

const expectationOf = (text: string, limits: unknown, where: Where): Expectation | undefined => {
  const { place, context, index } = where
  const reading: MomentReading = {
    ...readingAt({ ...context, actors: context.actors.map(({ name }) => name) }, place),
    steps: context.steps,
  }
  const base = { index, place, text }
  if (text === 'room') return roomOf(base, limits, where, reading)
  const order = /^(\S+)\s+hears\s+(.+?\s+then\s+.+)$/.exec(text)
  if (order) {
    const [listeners, speakers] = [peopleOf(order[1]!, where, reading), thenOf(order[2]!, where, reading)]
    return refuseLimits(limits, reading) && listeners && speakers && { ...base, kind: 'order', listeners, speakers }
  }
  if (/^no echo$/.test(text))
    return refuseLimits(limits, reading) && { ...base, kind: 'no-echo', listeners: [...reading.actors] }
  const hears = /^(.+?)\s+hears\s+(.+)$/.exec(text)
  if (!hears)
    return reading.refuse(
      `${quoted(text)} is nothing to expect: write cy hears ana, nobody hears bob, cy hears ana then bob, no echo, or room`,
    )
  return hearsOf(base, hears, limits, where, reading)
}

type Base = { index: number; place: Place; text: string }

const hearsOf = (
  base: Base,
  [, who, whom]: RegExpExecArray,
  limits: unknown,
  where: Where,
  reading: MomentReading,
): Expectation | undefined => {
  const isNobody = who === 'nobody'
  const speakers = peopleOf(whom!, where, reading)
  const listeners = isNobody ? [...reading.actors] : peopleOf(who!, where, reading)
  const shape = limits === null ? {} : readShape(expectationShapes.hears, where.value, where.context.problems)
  if (!speakers || !listeners || !shape) return undefined
  const others = listeners.filter((one) => speakers.some((speaker) => speaker !== one))
  if (others.length === 0) return reading.refuse('nobody is expected to hear themselves: write no echo for that')
  const limit = hearLimitsOf(shape, where, reading)
  if (!limit) return undefined
  if (!isNobody) return { ...base, kind: 'hears', listeners: others, speakers, ...limit }
  const forbidden = Object.keys(shape).find((key) => key !== 'from' && key !== 'until')
  if (forbidden !== undefined) return reading.refuse(`what nobody hears has no ${forbidden}: only from and until`)
  return { ...base, kind: 'silence', listeners: others, speakers, window: limit.window }
}

/** Somebody who is to be heard at all is to be heard so soon. */
const HEARD_WITHIN_MS = 10_000

const hearLimitsOf = (shape: HearShape, where: Where, reading: MomentReading): HearLimits | undefined => {
  const count = where.context.problems.length
  const at = (key: keyof HearShape): MomentReading => ({
    ...reading,
    refuse: (message) => {
      where.context.problems.push({ place: where.value.placeOf([key]), message })
      return undefined
    },
  })
  const momentAt = (key: 'from' | 'until' | 'never-after') =>
    shape[key] === undefined ? null : (momentOf(shape[key], at(key)) ?? null)
  const { delay } = shape
  const limits: HearLimits = {
    window: { from: momentAt('from'), until: momentAt('until') },
    within: shape.within === undefined ? null : (withinOf(shape.within, at('within')) ?? null),
    startCutMs: shape['start-cut'] ?? null,
    longestGapMs: shape['longest-gap'] ?? null,
    gapShare: shape.gaps === undefined ? null : shareOf(shape.gaps),
    level: shape.level === undefined ? null : (levelOf(shape.level, at('level')) ?? null),
    delay: delay ? { p50Ms: delay.p50 ?? null, p95Ms: delay.p95 ?? null, p99Ms: delay.p99 ?? null } : null,
    neverAfter: momentAt('never-after'),
    like: shape.like === undefined ? null : (likeOf(shape.like, at('like')) ?? null),
    copies: shape.copies ?? null,
  }
  const isOpen = Object.entries(limits).every(([key, value]) => key === 'window' || value === null)
  if (isOpen) limits.within = { ms: HEARD_WITHIN_MS, of: null }
  return where.context.problems.length > count ? undefined : limits
}

/** `everyone`, `the audience`, `the stage`, `ana`, `ana and bob`, `ana, bob`. */
const peopleOf = (text: string, { context }: Where, reading: Reading): string[] | undefined => {
  const byRole = (fits: (actor: ActorPlan) => boolean) => {
    const found = context.actors.filter(fits).map(({ name }) => name)
    return found.length > 0 ? found : reading.refuse(`${quoted(text)} is nobody here: no actor has that role`)
  }
  if (/^(everyone|everybody|all)$/.test(text)) return [...reading.actors]
  if (/^(the )?audience$/.test(text)) return byRole(({ role }) => role === 'listener')
  if (/^(the )?stage$/.test(text)) return byRole(({ role }) => role !== 'listener')
  return namesOf(text.split(/\s*,\s*(?:and\s+)?|\s+and\s+/), reading)
}

const thenOf = (text: string, _where: Where, reading: Reading) => namesOf(text.split(/\s+then\s+/), reading)

const namesOf = (names: string[], { actors, refuse }: Reading): string[] | undefined => {
  const wrong = names.find((name) => !actors.includes(name))
  if (wrong === undefined) return [...new Set(names)]
  return refuse(
    `there is no actor ${quoted(wrong)}:${meant(wrong, [...actors, 'everyone', 'the audience', 'the stage'])}`,
  )
}

const refuseLimits = (limits: unknown, reading: Reading): true | undefined =>
  limits === null ? true : reading.refuse('this takes no limits: write the sentence alone')

const livekitRoles = ['hands', 'moderators'] as const

const roomOf = (base: Base, limits: unknown, where: Where, reading: MomentReading): Expectation | undefined => {
  const { problems, plane } = where.context
  if (limits === null) return reading.refuse('a room wants something to be true of it: room: {speakers: [ana, bob]}')
  const shape = readShape(expectationShapes.room, where.value, problems)
  if (!shape) return undefined
  const refuse = (key: string, message: string): undefined => {
    problems.push({ place: where.value.placeOf([key]), message })
    return undefined
  }
  const unknown = livekitRoles.find((key) => plane === 'livekit' && shape[key] !== undefined)
  if (unknown !== undefined) return refuse(unknown, `a LiveKit server knows no ${unknown}`)
  for (const key of ['roster', 'moderators', 'speakers', 'listeners', 'hands', 'muted', 'unmuted'] as const)
    for (const name of shape[key] ?? [])
      if (!reading.actors.includes(name))
        return refuse(key, `there is no actor ${quoted(name)}:${meant(name, reading.actors)}`)
  const moment = shape.at === undefined ? null : momentOf(shape.at, reading)
  if (moment === undefined) return undefined
  return { ...base, kind: 'room', ...roomLimitsOf(shape), at: moment }
}

const roomLimitsOf = (shape: RoomShape): Omit<RoomLimits, 'at'> => ({
  roster: shape.roster ?? null,
  moderators: shape.moderators ?? null,
  speakers: shape.speakers ?? null,
  listeners: shape.listeners ?? null,
  hands: shape.hands ?? null,
  muted: shape.muted ?? null,
  unmuted: shape.unmuted ?? null,
  reconnects: shape.reconnects ?? null,
  ended: shape.ended ?? null,
})
