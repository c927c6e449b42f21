import type { Located } from '../../yaml/document.ts'
import { meant, type Problem, quoted } from '../../yaml/problem.ts'
import { timeText } from '../../yaml/times.ts'
import { asList } from '../../yaml/values.ts'
import { itemOf } from './items.ts'
import type { Bed, CueAction, CueTime, Place } from './script.ts'
import type { CueKind, CueShape } from './shape.ts'
import { airNames, placeholdersOf } from './text.ts'

/** A cue as the file has it, by what it does. */
export type AnyCue = { [K in CueKind]: { kind: K; shape: CueShape<K> } }[CueKind]
export type ActingCue = Exclude<AnyCue, { kind: 'include' }>

export type CueContext = {
  vars: Readonly<Record<string, string>>
  beds: Readonly<Record<string, Bed>>
  problems: Problem[]
}

export type TimeContext = { offsetMs: number; endMs: number | null; problems: Problem[] }

const SHORTEST_EVERY_MS = 1000

/** When a cue is due; undefined where the problems say why it cannot be. */
export const timeOf = (
  { kind, shape }: ActingCue,
  raw: Located,
  { offsetMs, endMs, problems }: TimeContext,
): CueTime | undefined => {
  const { at, every, from, until, 'from-end': fromEnd } = shape
  const refuse = (key: string, message: string) => {
    problems.push({ place: raw.placeOf([key], 'key'), message })
    return undefined
  }
  const after = (key: string, ms: number) =>
    endMs !== null && ms >= endMs ? refuse(key, `comes at ${timeText(ms)}, after the end at ${timeText(endMs)}`) : true
  if (at !== undefined && fromEnd !== undefined) return refuse('from-end', 'a cue has one time: either at or from-end')
  // `every` of a bell that has a time is how far apart its strokes are.
  const isAgain = every !== undefined && !(kind === 'bell' && (at !== undefined || fromEnd !== undefined))
  if (isAgain && (at !== undefined || fromEnd !== undefined))
    return refuse('every', 'a cue has one time: every goes with from and until, not with at or from-end')
  if (!isAgain && from !== undefined) return refuse('from', 'from belongs to every')
  if (!isAgain && until !== undefined) return refuse('until', 'until belongs to every')
  if (isAgain) {
    if (kind === 'bell' && shape.times !== undefined && shape.apart === undefined && from === undefined)
      return refuse(
        'every',
        'is it how often the bell comes? then add from; or how far apart its strokes are? then add at, or write apart',
      )
    if (every < SHORTEST_EVERY_MS) return refuse('every', 'every takes at least 1s')
    const fromMs = offsetMs + (from ?? every)
    const untilMs = until === undefined ? null : offsetMs + until
    if (untilMs !== null && untilMs < fromMs)
      return refuse('until', `until ${timeText(untilMs)} is before from ${timeText(fromMs)}`)
    return after(from === undefined ? 'every' : 'from', fromMs) && { kind: 'every', everyMs: every, fromMs, untilMs }
  }
  if (fromEnd !== undefined) {
    if (endMs === null) return refuse('from-end', 'from-end wants to know the end: give the session end: 30:00')
    if (fromEnd > endMs) return refuse('from-end', `lies before the beginning: the session is ${timeText(endMs)} long`)
    return { kind: 'from-end', ms: fromEnd }
  }
  if (at === 'manual') return { kind: 'manual' }
  if (at === undefined) return { kind: 'after' }
  return after('at', offsetMs + at) && { kind: 'at', ms: offsetMs + at }
}

const STROKES_APART_MS = 8000
const BED_FADE_MS = 3000
const EACH_MS = 120_000

/** What a cue does; undefined where the problems say why it cannot be done. */
export const actionOf = (cue: ActingCue, raw: Located, file: string, context: CueContext): CueAction | undefined => {
  const refuse = (path: PropertyKey[], message: string) => {
    context.problems.push({ place: raw.placeOf(path), message })
    return undefined
  }
  switch (cue.kind) {
    case 'play':
      return playOf(cue.shape, raw, file, refuse)
    case 'say':
      checkPlaceholders(cue.shape.say, airNames, raw.placeOf(['say']), context)
      return {
        kind: 'say',
        text: spokenText(cue.shape.say),
        voice: cue.shape.voice ?? null,
        gainDb: cue.shape.gain ?? 0,
      }
    case 'bell': {
      const { bell, times, apart, gain, every, at, 'from-end': fromEnd } = cue.shape
      if (typeof bell === 'number' && times !== undefined)
        return refuse(['times'], 'how often the bell is struck is said twice: by bell and by times')
      const path = typeof bell === 'string' ? itemOf(bell, file) : null
      if (path && path.kind !== 'file')
        return refuse(['bell'], 'a bell is one sound file, or how often the bell that ships is struck')
      const everyMs = apart ?? (at !== undefined || fromEnd !== undefined ? every : undefined) ?? STROKES_APART_MS
      const strokes = typeof bell === 'number' ? bell : (times ?? 1)
      return {
        kind: 'bell',
        path: path && 'path' in path ? path.path : null,
        times: strokes,
        everyMs,
        gainDb: gain ?? 0,
      }
    }
    case 'silence':
      if (cue.shape.silence === 0) return refuse(['silence'], 'a silence of 0 is none')
      return { kind: 'silence', ms: cue.shape.silence }
    case 'bed': {
      const { bed, fade } = cue.shape
      const isOff = bed === false || bed === 'off' || bed === 'none'
      if (!isOff && !Object.hasOwn(context.beds, bed))
        return refuse(['bed'], `there is no bed ${quoted(bed)} under beds:${meant(bed, Object.keys(context.beds))}`)
      return { kind: 'bed', bed: isOff ? null : bed, fadeMs: fade ?? BED_FADE_MS }
    }
    case 'floor': {
      const { floor, each, 'end-bell': bell, 'without-moderator': alone } = cue.shape
      if (floor === 0 || each === 0) return refuse(['floor'], 'nobody can say anything in no time')
      const eachMs = Math.min(each ?? EACH_MS, floor)
      if (each !== undefined && each > floor)
        return refuse(['each'], `each takes at most the floor's ${timeText(floor)}`)
      return { kind: 'floor', ms: floor, eachMs, isSkippedWithoutHuman: alone === 'skip', isBellRung: bell ?? true }
    }
  }
}

const playOf = (
  shape: CueShape<'play'>,
  raw: Located,
  file: string,
  refuse: (path: PropertyKey[], message: string) => undefined,
): CueAction | undefined => {
  const items: Extract<CueAction, { kind: 'play' }>['items'] = []
  const isList = Array.isArray(shape.play)
  for (const [index, given] of asList(shape.play).entries()) {
    const path = isList ? ['play', index] : ['play']
    const item = itemOf(given, file)
    if (!item) return refuse(path, 'an item is one of file, folder, list, url, stdin')
    const weight = typeof given === 'string' ? 1 : (given.weight ?? 1)
    items.push({ item, weight, place: raw.placeOf(path) })
  }
  const hasWeights = asList(shape.play).some((given) => typeof given !== 'string' && given.weight !== undefined)
  if (hasWeights && shape.order !== undefined && shape.order !== 'weighted')
    return refuse(['order'], 'weights count only with order: weighted')
  if (items.every(({ weight }) => weight === 0)) return refuse(['play'], 'all weights are 0: nothing would be played')
  if (shape.for === 0) return refuse(['for'], 'nothing can be heard in no time')
  return {
    kind: 'play',
    items,
    order: shape.order ?? (hasWeights ? 'weighted' : 'given'),
    isLooped: shape.loop ?? false,
    forMs: shape.for ?? null,
    crossfadeMs: shape.crossfade ?? 0,
    fadeInMs: shape['fade-in'] ?? 0,
    fadeOutMs: shape['fade-out'] ?? 0,
    gainDb: shape.gain ?? 0,
  }
}

/** Lines that the file wraps are one text. */
const spokenText = (text: string) => text.replace(/\s+/g, ' ').trim()

/** What stands in a text as {name} must be known by then. */
export const checkPlaceholders = (
  text: string,
  onAir: readonly string[],
  place: Place,
  { vars, problems }: CueContext,
) => {
  for (const name of placeholdersOf(text))
    if (!onAir.includes(name))
      problems.push({ place, message: `{${name}} is not known:${meant(name, [...onAir, ...Object.keys(vars)])}` })
}
