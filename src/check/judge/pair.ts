import { WINDOW_MS } from '../../audio/likeness.ts'
import type { Hearing, HearLimits } from '../contract.ts'
import { partsWithin } from './audible.ts'
import { type Finding, limit } from './finding.ts'
import type { Comparison, Heard, Said } from './listening.ts'
import { absenceOf, actorOf, hearingOf, impairmentProblem, isEncrypted, type Scene, soundsHeard } from './scene.ts'
import { msText, overlapMs, type Stretch, togetherOf, windowOf } from './times.ts'

/** One listener, one speaker, and when the two could hear each other. */
export type Pair = {
  scene: Scene
  listener: string
  speaker: string
  hearing: Hearing
  window: Stretch
  together: Stretch[]
  /** Null for a stranger to the run, and for who said nothing. */
  said: Said | null
  /** Null for a light listener. */
  heard: Heard | null
  comparison: Comparison | null
  /** All that was audible in the window, whoever it was. */
  sounds: Stretch[]
}

export const pairOf = (
  scene: Scene,
  { window: asked }: HearLimits,
  listener: string,
  speaker: string,
): Pair | { problem: (what: string, wanted: string) => Finding } => {
  const unknown = (code: string, sentence: string) => ({
    problem: (what: string, wanted: string) => limit(what, wanted).unknown(code, sentence),
  })
  const { evidence, ears } = scene
  const window = windowOf(asked, evidence)
  if (!window) return unknown('step', 'The time to look at never came: a step that it depends on was not done.')
  for (const name of [listener, speaker]) {
    const absence = absenceOf(scene, name, window.untilMs)
    if (absence) return unknown(absence.code, absence.sentence)
    const impairment = impairmentProblem(scene, name)
    if (impairment) return { problem: (what, wanted) => limit(what, wanted).refused('impairment', impairment) }
  }
  const hearing = hearingOf(scene, listener, speaker) ?? { listener, speaker, isStranger: false, tracks: [], muted: [] }
  if (isEncrypted(hearing))
    return {
      problem: (what, wanted) =>
        limit(what, wanted).refused('encrypted', `What ${speaker} says is encrypted, and the check has no key for it.`),
    }
  const actors = [listener, speaker].flatMap((name) => actorOf(scene, name) ?? [])
  return {
    scene,
    listener,
    speaker,
    hearing,
    window,
    together: togetherOf(actors, window, evidence.durationMs),
    said: ears.said(speaker),
    heard: ears.heard(hearing),
    comparison: ears.compare(speaker, hearing),
    sounds: partsWithin(soundsHeard(hearing), window),
  }
}

/** Sound for less than this is nothing that could have been heard. */
export const LEAST_SAID_MS = 200

/** What the speaker said while the listener was there; null where it is not known, as of an agent. */
export const saidInTime = ({ said, together }: Pair): Stretch[] | null =>
  said === null ? null : together.flatMap((stay) => partsWithin(said.stretches, stay))

export const lengthMs = (stretches: readonly Stretch[]): number =>
  stretches.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0)

/** A speaker who was to be heard and said nothing: no verdict rests on that. */
export const silenceOf = (pair: Pair, tell: ReturnType<typeof limit>): Finding | null => {
  if (pair.together.length === 0)
    return tell.unknown('never-together', `${pair.listener} and ${pair.speaker} were not in the room at the same time.`)
  const actor = pair.scene.plan.actors.find(({ name }) => name === pair.speaker)
  if (actor?.external) return null
  const saidMs = lengthMs(saidInTime(pair) ?? [])
  return saidMs >= LEAST_SAID_MS
    ? null
    : tell.unknown('not-spoken', `${pair.speaker} said nothing in that time (${msText(saidMs)} of sound).`)
}

export const soundMs = ({ hearing, sounds }: Pair): number =>
  hearing.tracks.some(({ sound }) => sound.kind === 'packets')
    ? sounds.length > 0
      ? LEAST_SAID_MS
      : 0
    : lengthMs(sounds)

/** Whatever limits a sound can only be told where some of it was heard. */
export const unheard = (pair: Pair, tell: ReturnType<typeof limit>): Finding | null =>
  silenceOf(pair, tell) ??
  (soundMs(pair) >= LEAST_SAID_MS / 2
    ? null
    : tell.unknown('not-heard', `${pair.listener} heard nothing of ${pair.speaker}, so there is nothing to measure.`))

export const tracksText = ({ listener, speaker, hearing }: Pair): string =>
  hearing.tracks.length === 0
    ? `${listener} was given no track of ${speaker}`
    : `${listener} was given ${hearing.tracks.length === 1 ? 'one track' : `${hearing.tracks.length} tracks`} of ${speaker}`

export const saidText = (pair: Pair): string => {
  const said = saidInTime(pair)
  return said === null ? '' : `, while ${pair.speaker} gave out ${msText(lengthMs(said))} of sound`
}

/** Less alike, and what was heard is something else: nothing then tells what of it is missing, or late. */
const RECOGNISED = 0.3

/** What was heard is by its wave what the speaker said, as far as something was heard at all. */
export const unrecognised = (pair: Pair, tell: ReturnType<typeof limit>): Finding | null => {
  const { said, heard, comparison, listener, speaker } = pair
  if (!said)
    return tell.unknown('unknown-sound', `What ${speaker} said is not known, so nothing tells what is missing or late.`)
  if (!heard || !comparison)
    return tell.unknown('not-decoded', `${listener} is a light listener, which hears no sound.`)
  const sounding = comparison.windows.filter(({ atMs, lagMs }) =>
    heard.stretches.some((one) => overlapMs(one, { fromMs: atMs + lagMs, untilMs: atMs + lagMs + WINDOW_MS }) > 0),
  )
  const likeness = sounding.reduce((sum, { match }) => sum + match, 0) / Math.max(1, sounding.length)
  return sounding.length === 0 || likeness >= RECOGNISED
    ? null
    : tell.unknown(
        'not-recognised',
        `What ${listener} heard is not what ${speaker} said (like it to ${likeness.toFixed(2)}), so nothing tells what is missing or late.`,
      )
}

/** From the first sound that was heard to the end of what both were there for, on the speaker's clock. */
export const comparedPart = (pair: Pair): Stretch | null => {
  const { comparison, sounds, together } = pair
  const first = sounds[0]
  if (!comparison || !first) return null
  const lagMs = comparison.lagAt(first.fromMs)
  const endMs = Math.max(...together.map(({ untilMs }) => untilMs))
  return { fromMs: first.fromMs - lagMs, untilMs: endMs - Math.max(0, lagMs) - UNDER_WAY_MS }
}

/** What was said so shortly before the end may still have been on its way. */
const UNDER_WAY_MS = 200
