import type { z } from 'zod'
import { type Located, mergedOf, partOf } from '../../yaml/document.ts'
import { meant, type Problem, placeText, quoted, thereIs } from '../../yaml/problem.ts'
import { readShape } from '../../yaml/shape-problems.ts'
import { asList } from '../../yaml/values.ts'
import { type AnyCue, actionOf, type CueContext, checkPlaceholders, timeOf } from './cue.ts'
import type { ScriptFile, SessionFile } from './read.ts'
import type { Cue, Place } from './script.ts'
import { type CueKind, cueShapes, type PartShape, type SessionShape } from './shape.ts'
import { fillText } from './text.ts'

export type CuesContext = CueContext & {
  variant: string | null
  variants: readonly string[]
  changes: NonNullable<SessionShape['variants']>[string] | undefined
  endMs: number | null
}

/** The cues of a script in the order of its files: includes spliced in, the variant's changes made. */
export const cuesOf = (read: SessionFile, context: CuesContext): Cue[] => {
  const { problems, changes, endMs } = context
  const found: { cue: Cue; isGiven: boolean }[] = []
  const counts = new Map<string, number>()
  const changed = new Set<string>()

  const walk = (file: ScriptFile<PartShape>, offsetMs: number, only: readonly string[]) => {
    for (const index of (file.shape.cues ?? []).keys()) {
      const base = partOf(file.located, ['cues', index])
      const given = (base.value as { name?: unknown }).name
      const change = typeof given === 'string' && changes?.cues && Object.hasOwn(changes.cues, given) ? given : null
      if (change !== null) changed.add(change)
      const isLeftOut = change !== null && changes!.cues![change] === false
      const over =
        change === null || isLeftOut ? base : partOf(read.located, ['variants', context.variant!, 'cues', change])
      addCue(file, over === base ? base : changedCue(base, over), { offsetMs, only, isLeftOut })
    }
  }

  const addCue = (
    file: ScriptFile<PartShape>,
    raw: Located,
    { offsetMs, only, isLeftOut }: { offsetMs: number; only: readonly string[]; isLeftOut: boolean },
  ) => {
    const cue = readCue(filled(raw, context.vars), problems)
    if (!cue) return
    const place = raw.placeOf([])
    const variants = asList(cue.shape.only)
    const unknown = variants.find((name) => !context.variants.includes(name))
    if (unknown !== undefined)
      problems.push({
        place: raw.placeOf(['only']),
        message: `${quoted(unknown)} is no variant of this script:${thereIs(context.variants)}`,
      })
    const isElsewhere = (names: readonly string[]) => names.length > 0 && !names.includes(context.variant ?? '')
    const isOut = isLeftOut || isElsewhere(only) || (unknown === undefined && isElsewhere(variants))
    if (cue.kind === 'include') {
      const part = file.parts.get(cue.shape.include)
      if (part) walk(part, offsetMs + (cue.shape.at ?? 0), isOut ? ['\0'] : only)
      return
    }
    const count = (counts.get(cue.kind) ?? 0) + 1
    counts.set(cue.kind, count)
    // What is left out need not fit into this variant.
    if (isOut) return
    const time = timeOf(cue, raw, { offsetMs, endMs, problems })
    const action = actionOf(cue, raw, file.file, context)
    if (!time || !action) return
    const { name, title } = cue.shape
    if (title !== undefined) checkPlaceholders(title, [], raw.placeOf(['title']), context)
    found.push({
      cue: { name: name ?? `${cue.kind}-${count}`, title: title ?? null, time, action, place },
      isGiven: name !== undefined,
    })
  }

  walk(read, 0, [])
  for (const name of Object.keys(changes?.cues ?? {}))
    if (!changed.has(name))
      problems.push({
        place: read.located.placeOf(['variants', context.variant!, 'cues', name], 'key'),
        message: `no cue is named ${quoted(name)}:${meant(
          name,
          found.filter((each) => each.isGiven).map((each) => each.cue.name),
        )}`,
      })
  const cues = withOwnNames(found, problems)
  if (problems.length === 0) checkLength(cues, endMs, read.located.placeOf(['cues']), problems)
  return cues
}

/** What a variant says of a cue; a new time takes the place of the old one. */
const changedCue = (base: Located, over: Located): Located => {
  const has = (key: string) => Object.hasOwn(over.value as object, key)
  const dropped = has('at') ? ['from-end'] : has('from-end') ? ['at'] : []
  if (dropped.length > 0 && !has('every') && !('bell' in (base.value as object))) dropped.push('every', 'from', 'until')
  const kept = Object.entries(base.value as object).filter(([key]) => !dropped.includes(key))
  return mergedOf({ ...base, value: Object.fromEntries(kept) }, over)
}

/** Own variables stand for their values in every text of a cue; what is only known on air stays. */
const filled = (raw: Located, vars: Readonly<Record<string, string>>): Located => {
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string') return fillText(value, vars)
    if (Array.isArray(value)) return value.map(fill)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]))
  }
  return { ...raw, value: fill(raw.value) }
}

const kinds = Object.keys(cueShapes) as CueKind[]

const readCue = (raw: Located, problems: Problem[]): AnyCue | undefined => {
  const given = Object.keys(raw.value as object)
  const said = kinds.filter((kind) => given.includes(kind))
  const kind = said[0]
  if (kind === undefined || said.length > 1) {
    const wanted = kinds.slice(0, -1).join(', ')
    const unknown = given.find((key) => !kinds.some((each) => key in cueShapes[each].shape))
    const place = said[1] ? raw.placeOf([said[1]], 'key') : unknown ? raw.placeOf([unknown], 'key') : raw.placeOf([])
    const message = said[1]
      ? `a cue does one thing, not both ${kind} and ${said[1]}: make two cues of it`
      : `this cue does nothing: it wants one of ${wanted}${unknown ? ` (${quoted(unknown)} is not known:${meant(unknown, kinds)})` : ''}`
    problems.push({ place, message })
    return undefined
  }
  const shape = readShape(cueShapes[kind] as z.ZodType, raw, problems)
  return shape === undefined ? undefined : ({ kind, shape } as AnyCue)
}

/** Names are unique: a part that is included twice has its cues as NAME and NAME-2. */
const withOwnNames = (found: { cue: Cue; isGiven: boolean }[], problems: Problem[]): Cue[] => {
  const taken = new Map<string, Cue>()
  for (const { cue, isGiven } of found) {
    if (!isGiven) continue
    const other = taken.get(cue.name)
    if (other && placeText(other.place) !== placeText(cue.place))
      problems.push({
        place: cue.place,
        message: `another cue is named ${quoted(cue.name)}, at ${placeText(other.place)}`,
      })
    else if (!other) taken.set(cue.name, cue)
  }
  const named = new Set<string>()
  return found.map(({ cue, isGiven }) => {
    const name =
      isGiven && taken.get(cue.name) === cue
        ? cue.name
        : freeName(cue.name, (name) => taken.has(name) || named.has(name))
    named.add(name)
    return { ...cue, name }
  })
}

const freeName = (name: string, isTaken: (name: string) => boolean): string => {
  for (let count = 1; ; count++) {
    const next = count === 1 ? name : `${name}-${count}`
    if (!isTaken(next)) return next
  }
}

const checkLength = (cues: readonly Cue[], endMs: number | null, place: Place, problems: Problem[]) => {
  if (endMs !== null) return
  if (cues.length === 0) problems.push({ place, message: 'nothing happens in this session: it has no cues' })
  else if (cues.every(({ time }) => time.kind === 'manual'))
    problems.push({ place, message: 'nothing happens by itself in this session: give it an end, such as end: 30:00' })
  else if (cues.some(({ time }) => time.kind === 'every' && time.untilMs === null)) {
    const cue = cues.find(({ time }) => time.kind === 'every' && time.untilMs === null)!
    problems.push({ place: cue.place, message: 'every without until never ends: give it until, or the session an end' })
  }
}
