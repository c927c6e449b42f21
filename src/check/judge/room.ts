import type { Expectation, PersonView, RoomView } from '../contract.ts'
import { type Finding, limit } from './finding.ts'
import type { Scene } from './scene.ts'
import { momentOf, timeText } from './times.ts'

type RoomExpectation = Extract<Expectation, { kind: 'room' }>

/** Whom a limit of the room speaks of: exactly these, or these at least. */
const GROUPS = {
  roster: { of: () => true, isExact: true },
  moderators: { of: ({ role }: PersonView) => role === 'moderator', isExact: true },
  speakers: { of: ({ role }: PersonView) => role !== 'listener', isExact: true },
  listeners: { of: ({ role }: PersonView) => role === 'listener', isExact: true },
  hands: { of: ({ hasHandUp }: PersonView) => hasHandUp, isExact: true },
  muted: { of: ({ isMuted, isMutedByModerator }: PersonView) => isMuted || isMutedByModerator, isExact: false },
  unmuted: { of: ({ isMuted, isMutedByModerator }: PersonView) => !isMuted && !isMutedByModerator, isExact: false },
} as const

/** One finding for each limit, of what all who were in the room saw. */
export const roomFindings = (scene: Scene, expectation: RoomExpectation): Finding[] => {
  const { evidence, plan } = scene
  const moment = expectation.at === null ? { atMs: endOfSteps(scene) } : momentOf(expectation.at, evidence)
  const groups = (Object.keys(GROUPS) as (keyof typeof GROUPS)[]).flatMap((name) => {
    const wanted = expectation[name]
    if (wanted === null) return []
    const tell = limit(name, wanted.length === 0 ? 'nobody' : wanted.join(', '))
    if (!moment)
      return [tell.unknown('step', 'The moment to look at never came: a step that it depends on was not done.')]
    return [groupFinding(scene, GROUPS[name], wanted, moment.atMs, tell)]
  })
  return [
    ...groups,
    ...(expectation.reconnects === null ? [] : [reconnectsFinding(scene, expectation.reconnects)]),
    ...(expectation.ended === null
      ? []
      : [
          endedFinding(
            scene,
            expectation.ended,
            moment?.atMs ?? null,
            plan.actors.map(({ name }) => name),
          ),
        ]),
  ]
}

const endOfSteps = ({ evidence }: Scene): number =>
  Math.max(0, ...evidence.steps.flatMap(({ doneAtMs }) => doneAtMs ?? []))

/** What each actor who was live at that time saw last. */
const viewsAt = ({ evidence }: Scene, atMs: number): RoomView[] => {
  const last = new Map<string, RoomView>()
  for (const view of evidence.views) {
    const known = last.get(view.actor)
    if (view.atMs <= atMs && (!known || view.atMs >= known.atMs)) last.set(view.actor, view)
  }
  return [...last.values()]
}

const groupFinding = (
  scene: Scene,
  { of, isExact }: (typeof GROUPS)[keyof typeof GROUPS],
  wanted: readonly string[],
  atMs: number,
  tell: ReturnType<typeof limit>,
): Finding => {
  const views = viewsAt(scene, atMs).filter(({ status }) => status === 'live')
  if (views.length === 0) return tell.unknown('no-view', `Nobody of the run was in the room at ${timeText(atMs)}.`)
  const known = new Set(scene.plan.actors.map(({ name }) => name))
  const seen = views.map(({ actor, people }) => ({
    actor,
    // Strangers to the run are no part of what the file says of its actors.
    names: people.filter((person) => known.has(person.name) && of(person)).map(({ name }) => name),
  }))
  const wrong = seen.filter(({ names }) => {
    const isMissing = wanted.some((name) => !names.includes(name))
    return isMissing || (isExact && names.some((name) => !wanted.includes(name)))
  })
  const told = wrong.length > 0 ? wrong : seen.slice(0, 1)
  return tell.judged(wrong.length === 0, {
    measured: namesText(told[0]!.names),
    at: { fromMs: atMs, untilMs: atMs },
    evidence:
      wrong.length === 0
        ? [`All ${views.length} who were there at ${timeText(atMs)} saw it so.`]
        : wrong.map(({ actor, names }) => `At ${timeText(atMs)} ${actor} saw ${namesText(names)}.`),
    excuse: { during: { fromMs: atMs - 1000, untilMs: atMs }, byMs: 200 },
  })
}

const namesText = (names: readonly string[]): string => (names.length === 0 ? 'nobody' : names.join(', '))

const reconnectsFinding = ({ evidence }: Scene, wanted: number): Finding => {
  const tell = limit('reconnects', String(wanted))
  const cuts = evidence.actors.flatMap(({ name, cuts: all }) => all.map((cut) => ({ name, ...cut })))
  const inRoom = evidence.actors.some(({ stays }) => stays.length > 0)
  if (!inRoom) return tell.unknown('never-there', 'Nobody of the run was ever in the room.')
  const broken = evidence.actors.find(({ error }) => error?.code === 'crashed' && error.atMs <= evidence.durationMs)
  if (broken)
    return tell.unknown(
      'crashed',
      `${broken.name} crashed at ${timeText(broken.error!.atMs)}: what came of its connection is not known.`,
    )
  return tell.judged(cuts.length === wanted, {
    measured: String(cuts.length),
    at: cuts[0] ?? null,
    evidence:
      cuts.length === 0
        ? ['No connection was away.']
        : cuts.map(
            ({ name, fromMs, untilMs }) =>
              `${name} was away from ${timeText(fromMs)} ${untilMs === null ? 'on' : `to ${timeText(untilMs)}`}.`,
          ),
    excuse:
      cuts.length > wanted
        ? { during: { fromMs: cuts[0]!.fromMs - 15_000, untilMs: cuts.at(-1)!.fromMs }, byMs: 1000 }
        : undefined,
  })
}

const endedFinding = (scene: Scene, wanted: boolean, atMs: number | null, names: readonly string[]): Finding => {
  const tell = limit('ended', wanted ? 'the room is over' : 'the room goes on')
  if (atMs === null)
    return tell.unknown('step', 'The moment to look at never came: a step that it depends on was not done.')
  const views = viewsAt(scene, atMs).filter(
    ({ actor, status, isEnded }) => names.includes(actor) && (status !== 'left' || isEnded),
  )
  if (views.length === 0) return tell.unknown('no-view', `Nobody of the run was in the room until ${timeText(atMs)}.`)
  const wrong = views.filter(({ isEnded }) => isEnded !== wanted)
  return tell.judged(wrong.length === 0, {
    measured: (wrong.length === 0) === wanted ? 'over' : 'going on',
    at: { fromMs: atMs, untilMs: atMs },
    evidence: [
      `At ${timeText(atMs)} it was ${(wrong.length === 0) === wanted ? 'over' : 'going on'} for ${(wrong.length > 0 ? wrong : views).map(({ actor }) => actor).join(', ')}.`,
    ],
    excuse: { during: { fromMs: atMs - 1000, untilMs: atMs }, byMs: 200 },
  })
}
