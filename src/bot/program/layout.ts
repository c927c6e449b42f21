import { FRAME_SAMPLES } from '../../audio/frame.ts'
import type { Duck } from '../script/script.ts'
import type { PlannedSound } from './contract.ts'
import { endOf, listItems, type Span, samplesOf, spansBetween, type Timeline } from './timeline.ts'

/** One thing that happens in a session, as its log tells it. Times are samples of the session. */
export type Item = {
  /** Unique; the same after a restart. */
  key: string
  span: string
  cue: string
  kind: 'sound' | 'speech' | 'silence' | 'floor'
  /** Null: nothing of it sounds. */
  layer: PlannedSound['layer'] | null
  title: string | null
  artist: string | null
  start: number
  /** Null: not known. */
  end: number | null
  /** Number in its list. */
  ordinal: number
  /** Its list has no more after it. */
  isLast: boolean
  floor: { ms: number; eachMs: number; isSkippedWithoutHuman: boolean; isBellRung: boolean } | null
  /** What sounds of it in the time that was asked for. */
  parts: Part[]
}

/** A sound in its time, and how it comes and goes. */
export type Part = {
  key: string
  sound: PlannedSound
  start: number
  end: number | null
  /** Samples that it takes to come and to go, at equal power. */
  fadeIn: number
  fadeOut: number
  /** That of the bed that it is a round of. */
  around: Slope | null
  duck: Duck | null
}
type Slope = { start: number; fadeIn: number; end: number; fadeOut: number }

/** What is cut off is faded out for so long, and never clicks. */
export const DECLICK_SAMPLES = FRAME_SAMPLES

/** All that happens between two session times, in the order in which it begins. */
export const layoutBetween = (timeline: Timeline, from: number, to: number): Item[] => {
  const until = Math.min(to, timeline.end ?? to)
  const spans = spansBetween(timeline, from, until)
  const items = [
    ...spans.flatMap((span) => itemsOf(timeline, span, from, until)),
    ...bedsBetween(timeline, spans, from, until),
  ]
  return items
    .filter((item) => item.start < until && (item.end === null || item.end > from || item.start >= from))
    .sort((a, b) => a.start - b.start)
}

/** How loud a part is at a session time, from 0 to 1. */
export const fadeAt = (part: Part, at: number): number =>
  slopeAt(part.start, part.fadeIn, part.end, part.fadeOut, at) *
  (part.around ? slopeAt(part.around.start, part.around.fadeIn, part.around.end, part.around.fadeOut, at) : 1)

/** The same all through a stretch of time: no fade touches it. */
export const isSteady = (part: Part, from: number, to: number): boolean =>
  isFlat(part, from, to) && (part.around === null || isFlat(part.around, from, to))

const isFlat = (
  { start, fadeIn, end, fadeOut }: { start: number; fadeIn: number; end: number | null; fadeOut: number },
  from: number,
  to: number,
) => from >= start + fadeIn && (end === null || to <= end - fadeOut)

/** Quarter waves: the powers of one that goes and one that comes add up to one. */
const slopeAt = (start: number, fadeIn: number, end: number | null, fadeOut: number, at: number): number => {
  const come = fadeIn > 0 && at < start + fadeIn ? Math.sin((Math.PI / 2) * Math.max(0, (at - start) / fadeIn)) : 1
  const left = end === null ? fadeOut : end - at
  const go = fadeOut > 0 && left < fadeOut ? Math.sin((Math.PI / 2) * Math.max(0, left / fadeOut)) : 1
  return come * go
}

const itemsOf = (timeline: Timeline, span: Span, from: number, until: number): Item[] => {
  const { content, cue, title } = span.entry
  const shared = { key: span.key, span: span.key, cue, start: span.start, ordinal: 0, isLast: true, floor: null }
  if (content.kind === 'bed') return []
  if (content.kind === 'sounds') return soundsOf(timeline, span, from, until)
  const end = Math.min(endOf(timeline, span)!, timeline.end ?? Number.POSITIVE_INFINITY)
  if (content.kind === 'bell') {
    const { sound, times, everyMs } = content
    const parts = Array.from({ length: times }, (_, n) =>
      partOf(timeline, `${span.key}*${n + 1}`, sound, span.start + n * samplesOf(everyMs)),
    )
    // Its own end, whatever was added for what follows.
    const own = Math.max(...parts.map((part) => part.end ?? 0))
    return [
      { ...shared, kind: 'sound', layer: 'bell', title: title ?? sound.title, artist: sound.artist, end: own, parts },
    ]
  }
  const floor = content.kind === 'floor' ? content : null
  return [{ ...shared, floor, kind: content.kind, layer: null, title, artist: null, end, parts: [] }]
}

const soundsOf = (timeline: Timeline, span: Span, from: number, until: number): Item[] => {
  const { content, cue, title } = span.entry
  if (content.kind !== 'sounds') return []
  const items: Item[] = []
  const isList = content.sounds.length > 1 || content.isLooped
  for (const item of listItems(timeline, span)) {
    if (item.start >= until) break
    if (item.end !== null && item.end <= from && item.start < from) continue
    const { sound, ordinal, start, end, isLast } = item
    const key = isList ? `${span.key}/${ordinal + 1}` : span.key
    const fadeIn = ordinal === 0 ? samplesOf(content.fadeInMs) : item.overlapBefore
    const fadeOut =
      isLast && !timeline.cuts.get(span.key)?.has(ordinal) ? samplesOf(content.fadeOutMs) : item.overlapAfter
    const part = partOf(timeline, key, sound, start, { end, fadeIn, fadeOut, isCut: item.isCut })
    const kind = sound.source.kind === 'speech' ? 'speech' : 'sound'
    const told = { title: sound.title ?? title, artist: sound.artist }
    const itemEnd = end === null ? timeline.end : Math.min(end, timeline.end ?? end)
    items.push({
      key,
      span: span.key,
      cue,
      kind,
      layer: sound.layer,
      ...told,
      start,
      end: itemEnd,
      ordinal,
      isLast,
      floor: null,
      parts: [part],
    })
  }
  return items
}

type PartShape = { end?: number | null; fadeIn?: number; fadeOut?: number; isCut?: boolean }

const partOf = (timeline: Timeline, key: string, sound: PlannedSound, start: number, shape: PartShape = {}): Part => {
  const natural = sound.durationMs === null ? null : start + samplesOf(sound.durationMs)
  const { fadeIn = 0, isCut = false } = shape
  let { end = natural, fadeOut = 0 } = shape
  // What is cut goes on for a moment, fading, so that it is whole up to there.
  if (isCut && fadeOut === 0 && end !== null) {
    end += DECLICK_SAMPLES
    fadeOut = DECLICK_SAMPLES
  }
  if (timeline.end !== null && (end === null || end > timeline.end)) {
    end = timeline.end
    fadeOut = Math.max(fadeOut, DECLICK_SAMPLES)
  }
  return { key, sound, start, end, fadeIn, fadeOut, around: null, duck: null }
}

/** A bed sounds until the next one, or its end, is called for. */
const bedsBetween = (timeline: Timeline, spans: Span[], from: number, until: number): Item[] => {
  const beds = spans.filter(({ entry }) => entry.content.kind === 'bed').sort((a, b) => a.start - b.start)
  const later = timeline.spans.filter(({ entry, start }) => entry.content.kind === 'bed' && start >= until)
  const end = timeline.end ?? Number.POSITIVE_INFINITY
  return beds.flatMap((span, index) => {
    const { content, title, cue } = span.entry
    if (content.kind !== 'bed' || content.bed === null) return []
    const next = beds[index + 1] ?? later.toSorted((a, b) => a.start - b.start)[0]
    const around = slopeOf(span.start, samplesOf(content.fadeMs), next, end, timeline.cuts.get(span.key)?.get(0))
    if (around.end <= from) return []
    const { sound } = content.bed
    const parts = roundsOf(content.bed, span.key, around, from, until)
    const stop = Number.isFinite(around.end) ? around.end : null
    const lastStop = stop ?? (content.bed.loopFadeMs === null ? (parts.at(-1)?.end ?? null) : null)
    const told = { title: title ?? sound.title, artist: sound.artist }
    const shared = {
      key: span.key,
      span: span.key,
      cue,
      kind: 'sound' as const,
      layer: 'bed' as const,
      ordinal: 0,
      isLast: true,
      floor: null,
    }
    return [{ ...shared, ...told, start: span.start, end: lastStop, parts }]
  })
}

const slopeOf = (
  start: number,
  fadeIn: number,
  next: Span | undefined,
  end: number,
  cut: number | undefined,
): Slope => {
  const fade = next?.entry.content.kind === 'bed' ? samplesOf(next.entry.content.fadeMs) : 0
  const called = next ? next.start + Math.max(fade, DECLICK_SAMPLES) : Number.POSITIVE_INFINITY
  const cutEnd = cut === undefined ? Number.POSITIVE_INFINITY : cut + DECLICK_SAMPLES
  const stop = Math.min(called, cutEnd, end)
  const length = Math.max(0, stop - start)
  if (stop === called) return { start, fadeIn, end: stop, fadeOut: Math.max(fade, DECLICK_SAMPLES) }
  if (stop === cutEnd) return { start, fadeIn, end: stop, fadeOut: DECLICK_SAMPLES }
  return { start, fadeIn, end: stop, fadeOut: Math.min(length / 2, Math.max(fadeIn, DECLICK_SAMPLES)) }
}

type SoundingBed = { sound: PlannedSound; loopFadeMs: number | null; duck: Duck | null }

/** The rounds of a loop, each faded into the next. */
const roundsOf = (
  { sound, loopFadeMs, duck }: SoundingBed,
  key: string,
  around: Slope,
  from: number,
  until: number,
): Part[] => {
  const length = sound.durationMs === null ? null : samplesOf(sound.durationMs)
  const shared = { sound, around, duck, fadeIn: 0, fadeOut: 0 }
  if (length === null || loopFadeMs === null)
    return [
      {
        ...shared,
        key,
        start: around.start,
        end: length === null ? around.end : Math.min(around.end, around.start + length),
      },
    ]
  const fade = Math.min(samplesOf(loopFadeMs), Math.floor(length / 2))
  const step = Math.max(FRAME_SAMPLES, length - fade)
  const parts: Part[] = []
  for (let round = Math.max(0, Math.floor((from - around.start - length) / step)); ; round++) {
    const start = around.start + round * step
    if (start >= Math.min(until, around.end)) return parts
    if (start + length <= from) continue
    parts.push({
      ...shared,
      key: `${key}~${round + 1}`,
      start,
      end: start + length,
      fadeIn: round === 0 ? 0 : fade,
      fadeOut: fade,
    })
  }
}
