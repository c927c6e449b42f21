import { SAMPLE_RATE } from '../../audio/frame.ts'
import type { Plan, PlanContent, PlanEntry, PlannedSound, ProgramChange } from './contract.ts'
import { createOrder } from './order.ts'

/** One time that a cue sounds. Times are samples of the session. */
export type Span = { key: string; entry: PlanEntry; start: number }

/** A plan and what was decided since: when everything begins and ends. A value; `timelineOf` makes a new one for each change. */
export type Timeline = {
  plan: Plan
  /** Session time at which it ends; null: not known, or never. */
  end: number | null
  /** All that have a known start, but for those of `every`; in the order of the file, then those asked for by name. */
  spans: readonly Span[]
  warps: readonly Warp[]
  stretches: ReadonlyMap<string, number>
  cuts: ReadonlyMap<string, ReadonlyMap<number, number>>
  orders: ReadonlyMap<string, (ordinal: number) => number | undefined>
}

/** What begins after `at` is later by so much. */
type Warp = { at: number; by: number }

/** One sound of a list in its time; `end` null: when it is over is not known. */
type ListItem = {
  ordinal: number
  sound: PlannedSound
  start: number
  end: number | null
  /** It ends before it is over by itself. */
  isCut: boolean
  /** Samples of crossfade with the one before, and with the one after. */
  overlapBefore: number
  overlapAfter: number
  isLast: boolean
}

export const samplesOf = (ms: number): number => Math.round((ms * SAMPLE_RATE) / 1000)
export const msOf = (samples: number): number => (samples * 1000) / SAMPLE_RATE

/** Lays the changes over the plan, one after the other: each meets what those before it made. */
export const timelineOf = (plan: Plan, changes: readonly ProgramChange[]): Timeline => {
  const orders = new Map(
    plan.entries.flatMap(({ cue, content }) =>
      content.kind === 'sounds' ? [[cue, createOrder(content, `${plan.seed}/${cue}`)] as const] : [],
    ),
  )
  let timeline: Timeline = { plan, end: null, spans: [], warps: [], stretches: new Map(), cuts: new Map(), orders }
  const placed: Span[] = []
  const arranged = () => arrange(timeline, placed)
  timeline = arranged()
  for (const change of changes) {
    if (change.do === 'extend') timeline = extended(timeline, change)
    else if (change.do === 'cut') timeline = { ...timeline, cuts: withCut(timeline.cuts, change) }
    else {
      const entry = plan.entries.find(({ cue }) => cue === change.cue)
      if (entry) placed.push({ key: `${entry.cue}!${placed.length + 1}`, entry, start: change.at })
    }
    timeline = arranged()
  }
  return timeline
}

const withCut = (cuts: Timeline['cuts'], { span, ordinal, at }: Extract<ProgramChange, { do: 'cut' }>) =>
  new Map(cuts).set(span, new Map(cuts.get(span)).set(ordinal, at))

const extended = (timeline: Timeline, { at, by }: Extract<ProgramChange, { do: 'extend' }>): Timeline => {
  const stretches = new Map(timeline.stretches)
  for (const span of timeline.spans) {
    const end = endOf(timeline, span)
    if (span.start > at || end === null || end <= at) continue
    stretches.set(span.key, (stretches.get(span.key) ?? 0) + Math.max(by, at - end))
  }
  return { ...timeline, stretches, warps: [...timeline.warps, { at, by }] }
}

/** Finds the start of each cue. One that has no time of its own begins when all timed ones before it in the file are over. */
const arrange = (timeline: Timeline, placed: readonly Span[]): Timeline => {
  const { plan, warps } = timeline
  const spans: Span[] = []
  let soFar: number | null = 0
  for (const entry of plan.entries) {
    const { kind } = entry.time
    const start: number | null = kind === 'after' ? soFar : ownStart(plan, warps, entry)
    const span: Span | null = start === null ? null : { key: entry.cue, entry, start }
    if (span) spans.push(span)
    if (kind !== 'at' && kind !== 'after') continue
    const end: number | null = span && endOf(timeline, span)
    soFar = soFar === null || end === null ? null : Math.max(soFar, end)
  }
  const end = plan.isEndGiven && plan.endMs !== null ? warped(samplesOf(plan.endMs), warps) : lastEnd(timeline, spans)
  return { ...timeline, spans: [...spans, ...placed], end }
}

const ownStart = (plan: Plan, warps: readonly Warp[], { time }: PlanEntry): number | null => {
  if (time.kind === 'at') return warped(samplesOf(time.ms), warps)
  if (time.kind === 'from-end') return plan.endMs === null ? null : warped(samplesOf(plan.endMs - time.ms), warps)
  return null
}

/** A time of the plan on the session's clock. */
const warped = (time: number, warps: readonly Warp[]): number =>
  warps.reduce((moved, { at, by }) => (moved > at ? Math.max(at, moved + by) : moved), time)

/** The end of a session whose script names none: that of its last cue. */
const lastEnd = (timeline: Timeline, spans: readonly Span[]): number | null => {
  const { entries } = timeline.plan
  // What follows something without a known end is still to come.
  if (entries.some(({ cue, time }) => time.kind === 'after' && !spans.some(({ key }) => key === cue))) return null
  const ends = [...spans.map((span) => endOf(timeline, span)), ...entries.map((entry) => seriesEnd(timeline, entry))]
  const known = ends.filter((end) => end !== null)
  const isOpen = known.length < ends.length || (spans.length === 0 && entries.some(isOpenSeries))
  return isOpen ? null : Math.max(0, ...known)
}

const isOpenSeries = ({ time }: PlanEntry) => time.kind === 'every' && time.untilMs === null

/** What goes on to the end of all others does not make one. */
const seriesEnd = (timeline: Timeline, { cue, time, content }: PlanEntry): number | null => {
  if (time.kind !== 'every' || time.untilMs === null) return 0
  const last = time.fromMs + Math.floor((time.untilMs - time.fromMs) / time.everyMs) * time.everyMs
  return warped(samplesOf(last), timeline.warps) + (lengthOf(timeline, cue, content) ?? 0)
}

/** When what follows may begin; null: not known. */
export const endOf = (timeline: Timeline, span: Span): number | null => {
  const stretch = timeline.stretches.get(span.key) ?? 0
  const { content } = span.entry
  if (content.kind !== 'sounds') return span.start + (lengthOf(timeline, span.key, content) ?? 0) + stretch
  if (content.isLooped && content.forMs === null) return null
  let end: number | null = span.start
  for (const item of listItems(timeline, span)) end = item.end
  return end === null ? null : end + (content.forMs === null ? stretch : 0)
}

const lengthOf = (timeline: Timeline, key: string, content: PlanContent): number | null => {
  if (content.kind === 'bed') return 0
  if (content.kind === 'bell')
    return (content.times - 1) * samplesOf(content.everyMs) + samplesOf(content.sound.durationMs ?? 0)
  if (content.kind !== 'sounds') return samplesOf(content.ms)
  const entry = timeline.plan.entries.find(({ cue }) => cue === key)
  return entry ? endOf(timeline, { key: `${key}@`, entry, start: 0 }) : null
}

/** The sounds of a list in their order and time. Without end where the list is. */
export function* listItems(timeline: Timeline, span: Span): Generator<ListItem> {
  const { content, cue } = span.entry
  if (content.kind !== 'sounds') return
  const cuts = timeline.cuts.get(span.key)
  const orderOf = timeline.orders.get(cue)!
  const limit =
    content.forMs === null
      ? Number.POSITIVE_INFINITY
      : span.start + samplesOf(content.forMs) + (timeline.stretches.get(span.key) ?? 0)
  let start = span.start
  let overlapBefore = 0
  let silent = 0
  for (let ordinal = 0; ; ordinal++) {
    const index = orderOf(ordinal)
    // A round that gives no sound at all would go on for ever.
    if (index === undefined || start >= limit || silent > content.sounds.length) return
    const sound = content.sounds[index]!
    const cut = cuts?.get(ordinal)
    const natural = start + durationOf(sound)
    const end = Math.min(Math.max(start, cut ?? natural), limit)
    const isCut = end < natural
    const following = orderOf(ordinal + 1)
    const isLast = following === undefined || end === limit
    const overlapAfter = isCut || isLast ? 0 : overlapOf(content.crossfadeMs, sound, content.sounds[following]!)
    const shared = { ordinal, sound, start, isCut, overlapBefore, overlapAfter, isLast }
    if (end === Number.POSITIVE_INFINITY) return yield { ...shared, end: null }
    yield { ...shared, end }
    silent = end > start ? 0 : silent + 1
    start = end - overlapAfter
    overlapBefore = overlapAfter
  }
}

const durationOf = ({ durationMs }: PlannedSound) =>
  durationMs === null ? Number.POSITIVE_INFINITY : samplesOf(durationMs)

/** No more than half of either. */
const overlapOf = (crossfadeMs: number, before: PlannedSound, after: PlannedSound) =>
  Math.floor(Math.min(samplesOf(crossfadeMs), durationOf(before) / 2, durationOf(after) / 2))

/** All spans that may sound between two times, those of `every` among them. */
export const spansBetween = (timeline: Timeline, from: number, to: number): Span[] => [
  ...timeline.spans.filter((span) => {
    if (span.start >= to) return false
    const end = endOf(timeline, span)
    return span.entry.content.kind === 'bed' || end === null || end > from || span.start >= from
  }),
  ...timeline.plan.entries.flatMap((entry) => occurrencesBetween(timeline, entry, from, to)),
]

const occurrencesBetween = (timeline: Timeline, entry: PlanEntry, from: number, to: number): Span[] => {
  const { time, cue, content } = entry
  if (time.kind !== 'every') return []
  const { warps, end } = timeline
  const step = samplesOf(time.everyMs)
  const first = samplesOf(time.fromMs)
  const last = time.untilMs === null ? Number.POSITIVE_INFINITY : samplesOf(time.untilMs)
  const length = lengthOf(timeline, cue, content) ?? 0
  const later = warps.reduce((sum, { by }) => sum + Math.max(0, by), 0)
  const spans: Span[] = []
  for (let n = Math.max(0, Math.floor((from - length - later - first) / step)); ; n++) {
    const start = warped(first + n * step, warps)
    if (first + n * step > last || start >= to || (end !== null && start >= end)) return spans
    if (start + length > from || start >= from) spans.push({ key: `${cue}@${n + 1}`, entry, start })
  }
}
