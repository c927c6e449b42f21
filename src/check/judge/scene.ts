import { levelLineOf } from '../../audio/sound-line.ts'
import type { ActorRecord, Evidence, Hearing, Plan } from '../contract.ts'
import { audibleStretches, HEARD_DB } from './audible.ts'
import { countedTracks, type Ears } from './listening.ts'
import { type Stretch, timeText } from './times.ts'

/** What all judging of a run looks at. */
export type Scene = { plan: Plan; evidence: Evidence; ears: Ears }

export const actorOf = ({ evidence }: Scene, name: string): ActorRecord | undefined =>
  evidence.actors.find((actor) => actor.name === name)

export const hearingOf = ({ evidence }: Scene, listener: string, speaker: string): Hearing | undefined =>
  evidence.hearings.find((hearing) => hearing.listener === listener && hearing.speaker === speaker)

/** Why nothing can be said about somebody: they never came, or broke before the end. A breakdown after it changes nothing. */
export const absenceOf = (scene: Scene, name: string, untilMs: number): { code: string; sentence: string } | null => {
  const actor = actorOf(scene, name)
  if (!actor) return { code: 'no-actor', sentence: `Nothing is known of ${name}.` }
  if (actor.error && actor.error.atMs <= untilMs)
    return {
      code: actor.error.code,
      sentence: `${name} broke off at ${timeText(actor.error.atMs)}: ${actor.error.message}`,
    }
  if (actor.stays.length === 0) return { code: 'never-there', sentence: `${name} was never in the room.` }
  return null
}

/** Asked of somebody's network, and not what it was: nothing that this person said or heard shows what was asked for. */
export const impairmentProblem = ({ evidence, plan }: Scene, name: string): string | null => {
  const network = evidence.actors.find((actor) => actor.name === name)?.network
  if (!network) return null
  if (!network.isUsed) return `The sound of ${name} found a way around the network it was to have.`
  const isSteady = !plan.steps.some(
    ({ action }) =>
      ['network', 'loses-network', 'regains-network'].includes(action.kind) &&
      'actor' in action &&
      action.actor === name,
  )
  const { soundPackets, droppedPackets, asked } = network
  if (!isSteady || soundPackets < LEAST_PACKETS) return null
  const share = droppedPackets / soundPackets
  // Four standard deviations of so many independent losses (binomial), and a little for packets under way.
  const allowed = 4 * Math.sqrt((asked.lossShare * (1 - asked.lossShare)) / soundPackets) + 0.01
  return Math.abs(share - asked.lossShare) <= allowed
    ? null
    : `The network of ${name} lost ${percent(share)} of ${soundPackets} packets, and was to lose ${percent(asked.lossShare)}.`
}

const LEAST_PACKETS = 100

export const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`

/** When anything of somebody was audible to somebody, whichever track it came by; of packets the time between first and last. */
export const soundsHeard = (hearing: Hearing): Stretch[] =>
  [
    ...hearing.tracks.flatMap(({ sound }) =>
      sound.kind === 'decoded' ? audibleStretches(levelLineOf(sound.pieces), HEARD_DB, 0) : [],
    ),
    ...countedTracks(hearing).flatMap(({ sound }) =>
      sound.firstAtMs === null ? [] : [{ fromMs: sound.firstAtMs, untilMs: sound.lastAtMs ?? sound.firstAtMs }],
    ),
  ].toSorted((a, b) => a.fromMs - b.fromMs)

/** Somebody else's sound came through to this listener in that time: its ears work. */
export const isEncrypted = (hearing: Hearing | undefined): boolean =>
  hearing?.tracks.some((track) => track.isEncrypted) ?? false
