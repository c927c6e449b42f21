import type { Channels } from '../../audio/frame.ts'
import type { Bed, Cue, CueAction, Place, SessionScript, SoundItem } from '../script/script.ts'
import { gainDbOf, type SoundFacts } from '../sound/facts.ts'
import type { Plan, PlanContent, PlanEntry, PlannedSound } from './contract.ts'
import { planProblems } from './plan-problems.ts'
import { endOf, msOf, timelineOf } from './timeline.ts'

/** What was looked up and measured; `undefined`: it could not be, and somebody else has said so. */
export type PlanFacts = {
  sound(
    source: PlannedSound['source'],
  ): Pick<SoundFacts, 'durationMs' | 'channels' | 'lufs' | 'truePeakDb' | 'title' | 'artist'> | undefined
  /** The files of a folder or a list; anything else is itself. */
  items(item: SoundItem): readonly SoundItem[]
}

export type PlanProblem = { place: Place; message: string }
/** `problems`: why it cannot be played as it stands; the plan shows what would. */
export type Planned = { plan: Plan; problems: PlanProblem[] }

/**
 * Lays a script out in session time. `seed` orders what is shuffled: name the session and the occurrence, so that a
 * restart gives the same order.
 */
export const planOf = (script: SessionScript, facts: PlanFacts, seed: string): Planned => {
  const channels: Channels = script.room.sound === 'music' ? 2 : 1
  const context = { facts, channels, beds: script.beds }
  const gentleBell = soundOf(context, {
    id: 'bell',
    cue: '',
    layer: 'bell',
    source: { kind: 'shipped-bell' },
    gainDb: 0,
  })
  const bare = script.cues.map((cue) => entryOf(context, cue))
  const shared = { channels, late: script.when.late, seed, gentleBell, isEndGiven: script.endMs !== null }
  const open: Plan = { ...shared, endMs: script.endMs, entries: bare }
  const ended: Plan = { ...open, endMs: script.endMs ?? endMsOf(open) }
  const limited: Plan = { ...ended, entries: withLimits(ended) }
  const plan: Plan = { ...limited, endMs: script.endMs ?? endMsOf(limited), entries: withTimes(limited) }
  return { plan, problems: planProblems(script, plan) }
}

type Context = { facts: PlanFacts; channels: Channels; beds: Record<string, Bed> }

const endMsOf = (plan: Plan): number | null => {
  const { end } = timelineOf(plan, [])
  return end === null ? null : msOf(end)
}

const entryOf = (context: Context, cue: Cue): PlanEntry => ({
  cue: cue.name,
  title: cue.title,
  time: cue.time,
  atMs: null,
  lengthMs: null,
  content: contentOf(context, cue.name, cue.action),
})

const contentOf = (context: Context, cue: string, action: CueAction): PlanContent => {
  if (action.kind === 'silence' || action.kind === 'floor') return action
  if (action.kind === 'bed') return { kind: 'bed', bed: bedOf(context, cue, action.bed), fadeMs: action.fadeMs }
  if (action.kind === 'bell') {
    const { path, gainDb, times, everyMs } = action
    const source = path === null ? ({ kind: 'shipped-bell' } as const) : fileSource(path)
    return { kind: 'bell', sound: soundOf(context, { id: cue, cue, layer: 'bell', source, gainDb }), times, everyMs }
  }
  if (action.kind === 'say') {
    const { text, voice, gainDb } = action
    const source = { kind: 'speech', text, voice } as const
    const sound = soundOf(context, { id: cue, cue, layer: 'voice', source, gainDb })
    return { ...ONCE, sounds: [sound], weights: [1] }
  }
  const { order, isLooped, forMs, crossfadeMs, fadeInMs, fadeOutMs, gainDb } = action
  const items = action.items.flatMap(({ item, weight }) =>
    context.facts.items(item).map((one) => ({ item: one, weight })),
  )
  const sounds = items.map(({ item }, index) =>
    soundOf(context, { id: `${cue}/${index + 1}`, cue, layer: 'voice', source: { kind: 'item', item }, gainDb }),
  )
  const weights = items.map(({ weight }) => weight)
  return { kind: 'sounds', sounds, weights, order, isLooped, forMs, crossfadeMs, fadeInMs, fadeOutMs }
}

const ONCE = {
  kind: 'sounds',
  order: 'given',
  isLooped: false,
  forMs: null,
  crossfadeMs: 0,
  fadeInMs: 0,
  fadeOutMs: 0,
} as const

const fileSource = (path: string) => ({ kind: 'item', item: { kind: 'file', path } }) as const

const bedOf = (context: Context, cue: string, name: string | null): Extract<PlanContent, { kind: 'bed' }>['bed'] => {
  const bed = name === null ? undefined : context.beds[name]
  if (!bed) return null
  const item = context.facts.items(bed.item)[0] ?? bed.item
  const sound = soundOf(context, { id: cue, cue, layer: 'bed', source: { kind: 'item', item }, gainDb: 0 })
  return { sound: { ...sound, title: bed.name }, loopFadeMs: bed.loopFadeMs, duck: bed.duck }
}

type Bare = Pick<PlannedSound, 'id' | 'cue' | 'layer' | 'source' | 'gainDb'>

const soundOf = ({ facts, channels }: Context, bare: Bare): PlannedSound => {
  const found = facts.sound(bare.source)
  if (!found) return { ...bare, title: null, artist: null, durationMs: 0 }
  const { durationMs, title, artist } = found
  return { ...bare, title, artist, durationMs, gainDb: bare.gainDb + gainDbOf(found, { layer: bare.layer, channels }) }
}

/** What has no end of its own is played until the next voice. */
const withLimits = (plan: Plan): PlanEntry[] => {
  const timeline = timelineOf(plan, [])
  const voices = timeline.spans.filter(({ entry }) => entry.content.kind === 'sounds' || entry.content.kind === 'floor')
  return plan.entries.map((entry) => {
    const { content } = entry
    const span = timeline.spans.find(({ key }) => key === entry.cue)
    if (content.kind !== 'sounds' || content.forMs !== null || !span || endOf(timeline, span) !== null) return entry
    const next = Math.min(...voices.map(({ start }) => start).filter((start) => start > span.start))
    return Number.isFinite(next) ? { ...entry, content: { ...content, forMs: msOf(next - span.start) } } : entry
  })
}

const withTimes = (plan: Plan): PlanEntry[] => {
  const timeline = timelineOf(plan, [])
  return plan.entries.map((entry) => {
    const { time } = entry
    const own = timeline.spans.find(({ key }) => key === entry.cue)
    const start = own?.start ?? 0
    const end = endOf({ ...timeline }, own ?? { key: entry.cue, entry, start })
    const atMs = time.kind === 'every' ? time.fromMs : own ? msOf(start) : null
    return { ...entry, atMs, lengthMs: end === null ? null : msOf(end - start) }
  })
}
