import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openDecoded } from '../../audio/files/decode.ts'
import { partOf, readDocument } from '../../yaml/document.ts'
import { inOrder, type Place, type Problem, scriptError } from '../../yaml/problem.ts'
import { readShape } from '../../yaml/shape-problems.ts'
import type { ActorPlan, NetworkPlan, Plan, SoundPlan, StepAction } from '../contract.ts'
import { expectationsOf } from './expectations.ts'
import { type CheckShape, checkShape } from './shape.ts'
import { stepsOf } from './steps.ts'
import { checkedNetwork, readingAt, shareOf, soundOf } from './words.ts'

export type LoadCheckOptions = {
  /** A LiveKit server, whatever the file says. */
  livekit?: string
}

/** `livekit`: the LiveKit server to check; null: a roomtone server. */
export type LoadedCheck = { plan: Plan; livekit: string | null }

/**
 * Reads a check file. Throws code `bad-script` with all problems and their places, and the system's error where the file
 * cannot be read. Sound files are opened to see that they are sound.
 */
export const loadCheck = async (path: string, options: LoadCheckOptions = {}): Promise<LoadedCheck> => {
  const file = resolve(path)
  const problems: Problem[] = []
  const loaded = planOf(file, await readFile(file, 'utf8'), options, problems)
  if (loaded) await checkSounds(loaded.plan, problems)
  if (problems.length > 0 || !loaded) throw scriptError(inOrder(problems, file))
  return loaded
}

const planOf = (
  file: string,
  text: string,
  options: LoadCheckOptions,
  problems: Problem[],
): LoadedCheck | undefined => {
  const { located, problems: found } = readDocument(file, text)
  problems.push(...found)
  const shape = found.length > 0 ? undefined : readShape(checkShape, located, problems)
  if (!shape) return undefined
  const livekit = options.livekit ?? shape.livekit ?? null
  const plane = livekit === null ? 'room' : 'livekit'
  const actors = actorsOf(shape, file, located.placeOf, problems)
  const steps = stepsOf(shape.steps, partOf(located, ['steps']), { file, plane, actors, problems })
  const expectations = expectationsOf(shape.expect, partOf(located, ['expect']), {
    file,
    plane,
    actors,
    steps,
    problems,
  })
  const plan: Plan = { file, name: shape.check, plane, seed: shape.seed ?? 1, actors, steps, expectations }
  if (problems.length === 0) problems.push(...storyProblems(plan))
  return { plan, livekit }
}

const actorsOf = (
  shape: CheckShape,
  file: string,
  placeOf: (path: PropertyKey[]) => Place,
  problems: Problem[],
): ActorPlan[] => {
  const names = Object.keys(shape.actors)
  if (names.length === 0) problems.push({ place: placeOf(['actors']), message: 'nobody takes part' })
  return names.map((name) => {
    const given = shape.actors[name] ?? {}
    const at = (key: string) => readingAt({ file, actors: names, problems }, placeOf(['actors', name, key]))
    const role = given.role ?? 'listener'
    const network = given.network && checkedNetwork(networkOfShape(given.network), at('network'))
    const plays = given.plays === undefined ? undefined : soundOf(given.plays, name, at('plays'))
    const place = placeOf(['actors', name])
    return { name, place, role, plays: plays ?? null, network: network ?? null, external: null, hears: 'decoded' }
  })
}

const networkOfShape = ({
  loss = '0%',
  jitter = 0,
  delay = 0,
}: {
  loss?: string
  jitter?: number
  delay?: number
}): NetworkPlan => ({ lossShare: shareOf(loss), jitterMs: jitter, delayMs: delay })

/** What cannot come true, whatever the server does. */
const storyProblems = ({ plane, actors, steps }: Plan): Problem[] => {
  const problems: Problem[] = []
  const first = actors[0]!.place
  const starts = steps.filter(({ action }) => action.kind === 'starts')
  if (plane === 'room' && !actors.some(({ role }) => role === 'host'))
    problems.push({ place: first, message: 'nobody opens the room: give one actor role: host' })
  if (starts.length > 1) problems.push({ place: starts[1]!.place, message: 'the room has been started already' })
  for (const { place, action } of steps) {
    const speaker = awaitedVoiceOf(action)
    if (speaker === undefined || isHeardOf(speaker, actors, steps)) continue
    problems.push({ place, message: `${speaker} has nothing to say: give the actor plays: tone 440Hz, or a step` })
  }
  return problems
}

const awaitedVoiceOf = (action: StepAction): string | undefined => {
  if (action.kind === 'wait-until') return action.condition.kind === 'hears' ? action.condition.speaker : undefined
  return action.kind === 'unmutes' ? action.actor : undefined
}

const isHeardOf = (name: string, actors: Plan['actors'], steps: Plan['steps']): boolean =>
  actors.some((actor) => actor.name === name && (actor.plays !== null || actor.external !== null)) ||
  steps.some(({ action }) => action.kind === 'speaks' && action.actor === name)

const checkSounds = async ({ actors, steps, expectations }: Plan, problems: Problem[]): Promise<void> => {
  const files: { path: string; place: Place }[] = []
  const add = (sound: SoundPlan | null, place: Place) => {
    if (sound?.kind === 'file') files.push({ path: sound.path, place })
  }
  for (const { plays, place } of actors) add(plays, place)
  for (const { action, place } of steps) if (action.kind === 'speaks') add(action.sound, place)
  for (const expectation of expectations)
    if (expectation.kind === 'hears' && expectation.like?.path)
      files.push({ path: expectation.like.path, place: expectation.place })
  for (const { path, place } of files)
    try {
      await (await openDecoded(path)).close()
    } catch (error) {
      problems.push({ place, message: (error as Error).message })
    }
}
