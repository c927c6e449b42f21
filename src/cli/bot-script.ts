import type { OpenSoundAt, Plan, PlanEntry } from '../bot/program/contract.ts'
import type { SessionScript } from '../bot/script/script.ts'
import { airVarsOf, fillText } from '../bot/script/text.ts'
import { planOrRefuse, soundsFor } from './bot-sounds.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'
import { programCommandOf } from './program-words.ts'
import { scriptAt } from './script-file.ts'

export type PlayableScript = { script: SessionScript; plan: Plan; open: OpenSoundAt }

/** Reads a script and finds out all that its program needs; throws `bad-input` with the first problem, and notes the others. */
export const loadPlayable = async (context: Context, file: string, variant?: string): Promise<PlayableScript> => {
  const script = await scriptAt(context, file, variant)
  const { schedule, room } = script
  const sitting = { atMs: Date.now(), zone: schedule?.zone ?? null, language: room.language, listeners: 1 }
  const sounds = soundsFor(context, script, {
    fill: (text) => fillText(text, airVarsOf(sitting)),
    stdin: context.stdin,
  })
  context.onClose(() => sounds.close())
  return { script, plan: await planOrRefuse(context, script, sounds), open: sounds.open }
}

/** The session time of a cue's name or of a time such as 12:30, in ms; throws `bad-input`. */
export const timeInPlan = ({ entries, endMs }: Plan, text: string, option: string): number => {
  const { to } = programCommandOf('goto', [text]) as { to: { cue: string } | { ms: number } }
  if ('ms' in to) {
    if (endMs === null || to.ms <= endMs) return to.ms
    throw failure('bad-input', `${option} ${text} is after the end: the session ends at ${clockOf(endMs)}`)
  }
  const entry = entries.find(({ cue }) => cue === to.cue)
  if (!entry) throw failure('bad-input', `${option}: there is no cue "${to.cue}"; there are ${namesOf(entries)}`)
  if (entry.atMs === null) throw failure('bad-input', `${option}: the cue "${to.cue}" has no time of its own`)
  return entry.atMs
}

const namesOf = (entries: readonly PlanEntry[]) =>
  entries.flatMap(({ cue, atMs }) => (atMs === null ? [] : [cue])).join(', ')

/** Session time as a person reads it: `1:02:03`, `12:30`. */
export const clockOf = (ms: number): string => {
  const seconds = Math.floor(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
