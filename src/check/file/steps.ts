import { type Located, partOf } from '../../yaml/document.ts'
import { meant, type Problem, quoted } from '../../yaml/problem.ts'
import type { ActorPlan, Condition, Plane, StepAction, StepPlan } from '../contract.ts'
import type { CheckShape } from './shape.ts'
import { actorOf, durationOf, networkOf, type Reading, readingAt, soundOf, wordsOf } from './words.ts'

export type StepsContext = { file: string; plane: Plane; actors: readonly ActorPlan[]; problems: Problem[] }

/** The steps of a check; those that cannot be are told in the problems and left out. */
export const stepsOf = (shapes: CheckShape['steps'], located: Located, context: StepsContext): StepPlan[] => {
  const names = context.actors.map(({ name }) => name)
  const known = new Map<string, number>()
  return shapes.flatMap((shape, index): StepPlan[] => {
    const { text, name } =
      typeof shape === 'string' ? { text: shape, name: null } : { text: shape.do, name: shape.name ?? null }
    const part = partOf(located, [index])
    const place = part.placeOf(typeof shape === 'string' ? [] : ['do'])
    const reading = readingAt({ ...context, actors: names }, place)
    if (name !== null && known.has(name)) reading.refuse(`two steps are called ${quoted(name)}`)
    if (name !== null) known.set(name, index)
    const action = actionOf(text.trim(), reading)
    if (!action) return []
    const refusal = refusalOf(action, context)
    if (refusal !== undefined) {
      reading.refuse(refusal)
      return []
    }
    return [{ index, place, text: text.trim(), name, by: wayOf(action, context.plane), action }]
  })
}

const UNTIL_MS = 10_000

const actionOf = (text: string, reading: Reading): StepAction | undefined => {
  const words = wordsOf(text)
  const [first = '', second = ''] = words
  if (first === 'wait' && second === 'until') return waitUntilOf(words.slice(2), reading)
  if (first === 'wait') return waitOf(words.slice(1), reading)
  if (first === 'kill') return onlyActor(words.slice(1), reading, (actor) => ({ kind: 'is-killed', actor }))
  if (words.length < 2 || !(second in verbs)) return unknownStep(words, reading)
  const actor = actorOf(first, reading)
  return actor === undefined ? undefined : verbs[second]!(actor, words.slice(2), reading, text)
}

const unknownStep = ([first = '', second = '']: string[], { actors, refuse }: Reading): undefined =>
  actors.includes(first)
    ? refuse(`${quoted(second)} is nothing that an actor does:${meant(second, Object.keys(verbs))}`)
    : refuse(`${quoted(first)} begins no step: a step begins with an actor (${actors.join(', ')}), wait or kill`)

type Verb = (actor: string, rest: string[], reading: Reading, text: string) => StepAction | undefined

const alone =
  (kind: 'starts' | 'joins' | 'leaves' | 'unmutes' | 'accepts' | 'declines'): Verb =>
  (actor, rest, reading) =>
    rest.length > 0 ? tooMuch(rest, reading) : { kind, actor }

type Stage = Extract<StepAction, { kind: 'stage' }>['action']

const onSomebody =
  (action: Stage): Verb =>
  (actor, rest, reading) => {
    if (rest.length === 0) return reading.refuse('this wants to know whom: ana invites bob')
    return onlyActor(rest, reading, (whom) => ({ kind: 'stage', actor, whom, action }))
  }

/** With nobody after it: oneself. */
const hand = (rest: string[]) => rest[0] === 'hand' || rest[0] === "hand's"

/** By the second word of a step. */
const verbs: Record<string, Verb> = {
  starts: alone('starts'),
  joins: alone('joins'),
  leaves: alone('leaves'),
  unmutes: alone('unmutes'),
  accepts: alone('accepts'),
  declines: alone('declines'),
  mutes: (actor, rest, reading, text) =>
    rest.length === 0 ? { kind: 'mutes', actor } : onSomebody('mute')(actor, rest, reading, text),
  raises: (actor, rest, reading) => {
    if (!hand(rest) || rest.length > 2) return reading.refuse('write: bob raises hand, or bob raises hand "a question"')
    return { kind: 'raises-hand', actor, question: rest[1] ?? null }
  },
  lowers: (actor, rest, reading, text) =>
    hand(rest) ? { kind: 'lowers-hand', actor } : onSomebody('lower')(actor, rest, reading, text),
  invites: onSomebody('invite'),
  admits: onSomebody('admit'),
  promotes: onSomebody('admit'),
  allows: onSomebody('allow'),
  demotes: onSomebody('demote'),
  kicks: onSomebody('kick'),
  makes: (actor, rest, reading, text) =>
    rest[1] === 'moderator'
      ? onSomebody('moderator')(actor, rest.slice(0, 1), reading, text)
      : reading.refuse('write: ana makes bob moderator'),
  steps: (actor, rest, reading) =>
    rest.join(' ') === 'down' ? { kind: 'steps-down', actor } : reading.refuse('write: bob steps down'),
  ends: (actor, rest, reading) =>
    /^(the )?room$/.test(rest.join(' ')) ? { kind: 'ends-room', actor } : reading.refuse('write: ana ends the room'),
  plays: (actor, rest, reading) => playsOf(actor, rest, reading),
  drops: (actor, rest, reading) => {
    if (rest[0] !== 'network') return reading.refuse('write: bob drops network, or bob drops network for 5s')
    const forMs = forOf(rest.slice(1), reading)
    return forMs === undefined ? undefined : { kind: 'loses-network', actor, forMs }
  },
  regains: (actor, rest, reading) =>
    rest.join(' ') === 'network' ? { kind: 'regains-network', actor } : reading.refuse('write: bob regains network'),
  network: (actor, rest, reading) => {
    const network = networkOf(rest, reading)
    return network && { kind: 'network', actor, network }
  },
}

const tooMuch = (rest: string[], { refuse }: Reading): undefined => refuse(`${quoted(rest.join(' '))} is too much here`)

const onlyActor = (words: string[], reading: Reading, make: (actor: string) => StepAction): StepAction | undefined => {
  if (words.length > 1) return tooMuch(words.slice(1), reading)
  const actor = actorOf(words[0] ?? '', reading)
  return actor === undefined ? undefined : make(actor)
}

const playsOf = (actor: string, rest: string[], reading: Reading): StepAction | undefined => {
  const at = rest.lastIndexOf('for')
  const forMs = forOf(at < 0 ? [] : rest.slice(at), reading)
  const words = at < 0 ? rest : rest.slice(0, at)
  if (words.length === 0) return reading.refuse('write: bob plays tone 440Hz -20dBFS, or bob plays phrase.wav')
  const sound = soundOf(words.join(' '), actor, reading)
  return sound && forMs !== undefined ? { kind: 'speaks', actor, sound, forMs } : undefined
}

/** `for 5s`; null where there is nothing. */
const forOf = (words: string[], reading: Reading): number | null | undefined => {
  if (words.length === 0) return null
  if (words[0] !== 'for' || words.length !== 2) return tooMuch(words, reading)
  return durationOf(words[1]!, reading)
}

const waitOf = (words: string[], reading: Reading): StepAction | undefined => {
  if (words.length !== 1) return reading.refuse('write: wait 3s, or wait until cy hears bob')
  const ms = durationOf(words[0]!, reading)
  return ms === undefined ? undefined : { kind: 'wait', ms }
}

const waitUntilOf = (words: string[], reading: Reading): StepAction | undefined => {
  const at = words.lastIndexOf('within')
  const withinMs = at < 0 ? UNTIL_MS : durationOf(words[at + 1] ?? '', reading)
  const condition = conditionOf(at < 0 ? words : words.slice(0, at), reading)
  return condition && withinMs !== undefined ? { kind: 'wait-until', condition, withinMs } : undefined
}

const states: Record<string, 'in-room' | 'gone' | 'muted' | 'unmuted' | 'hand-up' | 'invited'> = {
  'is in the room': 'in-room',
  'is gone': 'gone',
  'is muted': 'muted',
  'is unmuted': 'unmuted',
  'is invited': 'invited',
  'has a hand up': 'hand-up',
}

const conditionOf = ([first = '', ...rest]: string[], reading: Reading): Condition | undefined => {
  const actor = actorOf(first, reading)
  if (actor === undefined) return undefined
  const said = rest.join(' ')
  const role = /^is (?:a )?(listener|speaker|moderator)$/.exec(said)?.[1] as
    | 'listener'
    | 'speaker'
    | 'moderator'
    | undefined
  if (role) return { kind: 'role', actor, role }
  if (said in states) return { kind: states[said]!, actor }
  if (rest[0] === 'hears' && rest.length === 2) {
    const speaker = actorOf(rest[1]!, reading)
    return speaker === undefined ? undefined : { kind: 'hears', listener: actor, speaker }
  }
  const known = [...Object.keys(states), 'is a speaker', 'is a listener', 'is a moderator', 'hears …']
  return reading.refuse(`one cannot wait until ${quoted(said)}:${meant(said, known)}`)
}

const onLiveKit: Record<string, string> = {
  'raises-hand': 'hands',
  'lowers-hand': 'hands',
  accepts: 'invitations',
  declines: 'invitations',
  'steps-down': 'a stage to step down from',
  invite: 'invitations',
  lower: 'hands',
  moderator: 'moderators',
}
const verbOf = (action: StepAction) => (action.kind === 'stage' ? action.action : action.kind)

/** Why an action cannot be in this place; undefined where it can. */
const refusalOf = (action: StepAction, { plane, actors }: StepsContext): string | undefined => {
  const missing = onLiveKit[verbOf(action)]
  if (plane === 'livekit' && missing !== undefined)
    return `a LiveKit server knows no ${missing}: leave this step out, or check a roomtone server (without livekit:)`
  if (plane === 'livekit' && action.kind === 'wait-until' && /^(hand-up|invited)$/.test(action.condition.kind))
    return 'a LiveKit server knows no hands and no invitations: nobody can wait for them there'
  const role = 'actor' in action ? actors.find(({ name }) => name === action.actor)?.role : undefined
  if (action.kind === 'starts' && role !== 'host')
    return `${action.actor} cannot start the room: the one who does has role: host`
  return undefined
}

const wayOf = (action: StepAction, plane: Plane): StepPlan['by'] => {
  switch (action.kind) {
    case 'wait':
    case 'wait-until':
    case 'is-killed':
    case 'network':
    case 'loses-network':
    case 'regains-network':
      return 'runner'
    case 'speaks':
    case 'mutes':
    case 'unmutes':
      return 'livekit'
    default:
      return plane
  }
}
