import type { Place, SessionScript } from '../script/script.ts'
import type { Plan, PlanEntry } from './contract.ts'
import type { PlanProblem } from './plan.ts'
import { endOf, msOf, type Span, samplesOf, spansBetween, type Timeline, timelineOf } from './timeline.ts'

/** Voices are compared so far into a session that has no end. */
const LOOK_SAMPLES = samplesOf(24 * 3600_000)

/** What cannot be played as it stands, each with its place and a remedy. */
export const planProblems = (script: SessionScript, plan: Plan): PlanProblem[] => {
  const places = new Map(script.cues.map(({ name, place }) => [name, place]))
  const timeline = timelineOf(plan, [])
  const first = script.cues[0]?.place ?? { file: script.file, line: 1, column: 1 }
  const problems = plan.entries.flatMap((entry) => {
    const place = places.get(entry.cue)!
    return timeProblems(plan, timeline, entry).map((message) => ({ place, message }))
  })
  if (plan.endMs === 0)
    problems.push({ place: first, message: 'the session lasts no time at all: give it a cue, or an end' })
  return [...problems, ...overlaps(timeline, places)]
}

const timeProblems = (plan: Plan, timeline: Timeline, entry: PlanEntry): string[] => {
  const { cue, time, content } = entry
  const end = plan.endMs
  if (content.kind === 'sounds' && content.sounds.length === 0) return [`${cue} has nothing to play`]
  if (time.kind === 'from-end') {
    if (end === null) return [`${cue} is counted from the end, but the session has none: say when it ends (end:)`]
    if (time.ms > end) return [`${cue} would begin before the session: it lasts ${clock(end)} in all`]
  }
  if (time.kind === 'after' && entry.atMs === null)
    return [
      `${cue} would never begin: a cue before it has no end; give that one a length (for:) or this one a time (at:)`,
    ]
  if (end === null || !plan.isEndGiven) return []
  const span = timeline.spans.find(({ key }) => key === cue)
  const start = time.kind === 'every' ? time.fromMs : span ? msOf(span.start) : null
  if (start === null) return []
  if (start >= end)
    return [
      `${cue} begins at ${clock(start)}, but the session ends at ${clock(end)}: make end: later, or the cue earlier`,
    ]
  const stop = span && content.kind !== 'bell' ? endOf(timeline, span) : null
  if (stop === null || msOf(stop) <= end + 1) return []
  return [
    `${cue} would last until ${clock(msOf(stop))}, but the session ends at ${clock(end)}: make end: later, or the cue shorter`,
  ]
}

/** Two voices at once, or a voice while the floor is open. */
const overlaps = (timeline: Timeline, places: Map<string, Place>): PlanProblem[] => {
  const voices = spansBetween(timeline, 0, timeline.end ?? LOOK_SAMPLES)
    .filter(({ entry: { content } }) => content.kind === 'sounds' || content.kind === 'floor')
    .sort((a, b) => a.start - b.start)
  const problems: PlanProblem[] = []
  const seen = new Set<string>()
  let open: { span: Span; end: number } | undefined
  for (const span of voices) {
    const end = ownEnd(timeline, span)
    const both = open && `${open.span.entry.cue} ${span.entry.cue}`
    if (open && span.start < open.end - 1 && !seen.has(both!)) {
      seen.add(both!)
      const other = places.get(open.span.entry.cue)!
      const until = Number.isFinite(open.end) ? `until ${clock(msOf(open.end))}` : 'without end'
      const what = open.span.entry.content.kind === 'floor' ? 'the floor is open' : 'sounds'
      const message = `${span.entry.cue} begins at ${clock(msOf(span.start))}, but ${open.span.entry.cue} (line ${other.line}) ${what} ${until}: move one of them, or make it shorter`
      problems.push({ place: places.get(span.entry.cue)!, message })
    }
    if (!open || end > open.end) open = { span, end }
  }
  return problems
}

const ownEnd = (timeline: Timeline, span: Span): number => endOf(timeline, span) ?? Number.POSITIVE_INFINITY

const clock = (ms: number): string => {
  const tenths = Math.round(ms / 100)
  const seconds = Math.floor(tenths / 10)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  const fraction = tenths % 10 === 0 ? '' : `.${tenths % 10}`
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(rest)}${fraction}`
}
