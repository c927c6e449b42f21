import { basename } from 'node:path'
import type { Channels } from '../../audio/frame.ts'
import { occurrencesOf } from '../../schedule/occurrences.ts'
import type { Occurrence } from '../../schedule/schedule.ts'
import type { Problem } from '../../yaml/problem.ts'
import { timeText } from '../../yaml/times.ts'
import type { PlanEntry, PlannedSound } from '../program/contract.ts'
import { prepare } from '../program/prepare.ts'
import { endOf, msOf, type Span, samplesOf, spansBetween, timelineOf } from '../program/timeline.ts'
import { gainDbOf, TARGETS_LUFS } from '../sound/facts.ts'
import type { Sounds } from '../sound/sounds.ts'
import type { Cue, CueAction, Place, SessionScript, SoundItem } from './script.ts'

/** One time that a cue happens. */
export type CheckedCue = {
  cue: string
  kind: CueAction['kind']
  /** In words: `bell x3, 7 s apart`. */
  what: string
  title: string | null
  /** Session time; null: only when asked for, or after something without a known end. */
  atMs: number | null
  /** Null: not known, or without end. */
  lengthMs: number | null
  /** As it will be heard, integrated; null: not known, or nothing sounds. */
  lufs: number | null
  place: Place
}

export type CheckedProgram = {
  variant: string | null
  title: string
  channels: Channels
  durationMs: number | null
  cues: CheckedCue[]
}

/** `problems`: why it must not go on air. `warnings`: what is not as it should be. */
export type Checked = { program: CheckedProgram; problems: Problem[]; warnings: string[] }

/** What has no end is told so far. */
const LOOK_MS = 24 * 3_600_000
/** Farther from what it should be than a listener would pass over. */
const LOUDNESS_OFF_LU = 3

/** Proves a script before it goes on air: everything it names is opened, measured and rendered, and laid out in time. */
export const checkScript = async (script: SessionScript, sounds: Sounds): Promise<Checked> => {
  const { plan, problems, notes } = await prepare(script, sounds, script.name)
  const loudness = await loudnessOf(plan.entries, sounds, plan.channels)
  const timeline = timelineOf(plan, [])
  const byName = new Map(script.cues.map((cue) => [cue.name, cue]))
  const spans = spansBetween(timeline, 0, timeline.end ?? samplesOf(LOOK_MS)).sort((a, b) => a.start - b.start)
  const rowOf = (entry: PlanEntry, span: Span | null): CheckedCue => {
    const { action, title, place } = byName.get(entry.cue) as Cue
    const end = span && entry.content.kind !== 'bed' ? endOf(timeline, span) : null
    return {
      cue: entry.cue,
      kind: action.kind,
      what: whatOf(action, entry),
      title,
      atMs: span && msOf(span.start),
      lengthMs: span && end !== null ? msOf(end - span.start) : null,
      lufs: loudness.get(entry.cue)?.lufs ?? null,
      place,
    }
  }
  const unplaced = plan.entries.filter(({ cue }) => !spans.some((span) => span.entry.cue === cue))
  return {
    program: {
      variant: script.variant,
      title: script.room.title,
      channels: plan.channels,
      durationMs: plan.endMs,
      cues: [...spans.map((span) => rowOf(span.entry, span)), ...unplaced.map((entry) => rowOf(entry, null))],
    },
    problems: [...problems],
    warnings: [...notes, ...[...loudness.values()].flatMap(({ warning }) => warning ?? [])],
  }
}

/** How loud each cue will be, and what to say of one that will not be as loud as the others. */
const loudnessOf = async (entries: readonly PlanEntry[], sounds: Sounds, channels: Channels) => {
  const found = new Map<string, { lufs: number | null; warning: string | null }>()
  for (const { cue, content } of entries) {
    const sound = soundsOf(content)[0]
    const facts = sound && (await sounds.factsOf(sound.source).catch(() => undefined))
    if (!sound || !facts) continue
    // A file in which nothing sounds has a length, but no loudness.
    const isSilent = facts.lufs === null && facts.durationMs !== null
    const heard =
      facts.lufs === null ? null : facts.lufs + sound.gainDb + (channels > facts.channels ? 10 * Math.log10(2) : 0)
    // A gain that the script asks for is meant.
    const ownDb = sound.gainDb - gainDbOf(facts, { layer: sound.layer, channels })
    const offLu = heard === null ? 0 : heard - ownDb - TARGETS_LUFS[sound.layer]
    const warning = isSilent
      ? `${cue}: nothing can be heard in it`
      : offLu < -LOUDNESS_OFF_LU && isMeasurable(sound, facts.durationMs)
        ? `${cue}: will be heard at ${heard!.toFixed(1)} LUFS, not ${TARGETS_LUFS[sound.layer]}: its peaks leave no more`
        : null
    found.set(cue, { lufs: heard, warning })
  }
  return found
}

const isMeasurable = ({ layer }: PlannedSound, durationMs: number | null) =>
  layer !== 'bell' && durationMs !== null && durationMs >= 3000

const soundsOf = (content: PlanEntry['content']): readonly PlannedSound[] => {
  if (content.kind === 'sounds') return content.sounds
  if (content.kind === 'bell') return [content.sound]
  return content.kind === 'bed' && content.bed ? [content.bed.sound] : []
}

const whatOf = (action: CueAction, { content }: PlanEntry): string => {
  switch (action.kind) {
    case 'say':
      return `say "${action.text}"`
    case 'bell': {
      const strokes = action.times === 1 ? '' : ` x${action.times}, ${action.everyMs / 1000} s apart`
      return `bell${strokes}${action.path === null ? '' : ` (${basename(action.path)})`}`
    }
    case 'silence':
      return 'silence'
    case 'bed':
      return action.bed === null ? 'bed off' : `bed ${action.bed}`
    case 'floor':
      return `floor, ${timeText(action.eachMs)} each`
    case 'play': {
      const count = content.kind === 'sounds' ? content.sounds.length : 0
      const order = action.order === 'given' ? '' : action.order === 'shuffle' ? ', shuffled' : ', weighted'
      const named = action.items.map(({ item }) => itemText(item)).join(', ')
      return `play ${named}${count > action.items.length ? ` (${count} files)` : ''}${order}${action.isLooped ? ', again and again' : ''}`
    }
  }
}

const itemText = (item: SoundItem): string => {
  if (item.kind === 'stdin') return 'stdin'
  if (item.kind === 'url') return item.url
  return item.kind === 'folder' ? `${basename(item.path)}/` : basename(item.path)
}

/** The next sittings, and what to say where one would begin before the one before it is over. */
export const sittingsOf = (
  script: SessionScript,
  { nowMs, count, durationMs }: { nowMs: number; count: number; durationMs: number | null },
): { next: Occurrence[]; warnings: string[] } => {
  if (!script.schedule) return { next: [], warnings: [] }
  const next = occurrencesOf(script.schedule, { fromMs: nowMs, count })
  const early = next.findIndex(
    (occurrence, index) => index > 0 && occurrence.atMs - next[index - 1]!.atMs < (durationMs ?? 0),
  )
  if (early < 0) return { next, warnings: [] }
  const [before, sitting] = [next[early - 1]!, next[early]!]
  const warning = `the sitting of ${sitting.local} begins before that of ${before.local} is over: it lasts ${timeText(durationMs ?? 0)}`
  return { next, warnings: [warning] }
}
