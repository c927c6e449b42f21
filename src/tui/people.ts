import type { ProgramCommand } from '../protocol/program.ts'
import type { Hand, StageAction } from '../protocol/rooms.ts'
import type { SeatCommand, SeatParticipant, SeatState } from '../protocol/seat.ts'
import type { Choice, Effect, Focus, Section } from './model.ts'

/** People of a room in the order in which the selection moves: stage, raised hands, audience. */
const sectionIds = (seat: SeatState, section: Section): string[] => {
  if (section === 'hands') return seat.hands.map(({ participantId }) => participantId)
  const wantsStage = section === 'stage'
  return seat.participants.filter(({ role }) => (role !== 'listener') === wantsStage).map(({ id }) => id)
}

const sections: Section[] = ['stage', 'hands', 'listening']

/** The focus again after the room has changed: it follows the person, never the place. */
export const keepFocus = (seat: SeatState, focus: Focus | null): Focus | null => {
  if (!focus) return null
  const order = [focus.section, ...sections.filter((section) => section !== focus.section)]
  const section = order.find((candidate) => sectionIds(seat, candidate).includes(focus.id))
  return section ? { section, id: focus.id } : null
}

/** One up or down: a person, and within the audience a line of `perLine` names. */
export const moveFocus = (seat: SeatState, focus: Focus | null, by: 1 | -1, perLine = 1): Focus | null => {
  const ids = focus ? sectionIds(seat, focus.section) : []
  const at = ids.indexOf(focus?.id ?? '')
  if (!focus || at < 0) return firstFocus(seat)
  const next = at + by * (focus.section === 'listening' ? perLine : 1)
  if (next >= 0 && next < ids.length) return { ...focus, id: ids[next]! }
  return neighbour(seat, focus.section, by) ?? { ...focus, id: by < 0 ? ids[0]! : ids.at(-1)! }
}

/** So many persons on within their section, to its end at most. */
export const moveWithin = (seat: SeatState, focus: Focus | null, by: number): Focus | null => {
  if (!focus) return firstFocus(seat)
  const ids = sectionIds(seat, focus.section)
  const at = ids.indexOf(focus.id)
  return at < 0 ? firstFocus(seat) : { ...focus, id: ids[Math.min(ids.length - 1, Math.max(0, at + by))]! }
}

/** The first whose name or handle begins so, or holds it. */
export const personNamed = (seat: SeatState, text: string): Focus | null => {
  const wanted = text.trim().replace(/^@/, '').toLowerCase()
  if (wanted === '') return null
  const fits = (test: (name: string) => boolean) =>
    seat.participants.find(({ name, handle }) => test(name.toLowerCase()) || (handle !== null && test(handle)))
  const person = fits((name) => name.startsWith(wanted)) ?? fits((name) => name.includes(wanted))
  return person ? { section: person.role === 'listener' ? 'listening' : 'stage', id: person.id } : null
}

const firstFocus = (seat: SeatState): Focus | null => {
  const all = sections.flatMap((section) => sectionIds(seat, section).map((id) => ({ section, id })))
  return all.find(({ id }) => id !== seat.you.id) ?? all[0] ?? null
}

/** The nearest end of the next section that has anybody. */
const neighbour = (seat: SeatState, section: Section, by: 1 | -1): Focus | undefined => {
  for (let index = sections.indexOf(section) + by; index >= 0 && index < sections.length; index += by) {
    const ids = sectionIds(seat, sections[index]!)
    if (ids.length > 0) return { section: sections[index]!, id: by > 0 ? ids[0]! : ids.at(-1)! }
  }
  return undefined
}

/** The first person of the next section that has anybody. */
export const nextSection = (seat: SeatState, focus: Focus | null): Focus | null => {
  const from = focus ? sections.indexOf(focus.section) + 1 : 0
  for (let offset = 0; offset < sections.length; offset += 1) {
    const section = sections[(from + offset) % sections.length]!
    const id = sectionIds(seat, section)[0]
    if (id !== undefined) return { section, id }
  }
  return null
}

export const personById = (seat: SeatState, id: string | undefined): SeatParticipant | undefined =>
  id === undefined ? undefined : seat.participants.find((person) => person.id === id)

export const isModerator = (seat: SeatState): boolean => seat.you.role === 'moderator'

/** Nobody else could keep the room: leaving on purpose would end it (R19). */
export const isOnlyModerator = (seat: SeatState): boolean =>
  isModerator(seat) && !seat.participants.some(({ role, isYou }) => role === 'moderator' && !isYou)

export type PersonAction = Choice & {
  isDangerous: boolean
  confirm?: string
  /** Words are asked for first: of this command to the person's program. */
  asks?: { verb: ProgramCommand['do']; label: string }
}

/** By you alone, because you want it so. */
const isUnheard = ({ isSilenced, volume: percent }: SeatParticipant): boolean => isSilenced || percent === 0

/** How somebody sounds to you alone, where it is not as they are. */
export const tuningWords = (person: SeatParticipant): string => {
  if (isUnheard(person)) return 'silenced'
  return person.volume === 100 ? '' : `${person.volume} %`
}

/** What you may do to somebody now, one key each, dangerous ones last. */
export const personActions = (seat: SeatState, person: SeatParticipant): PersonAction[] => {
  if (person.isYou) return []
  // Not the handle: companions have their owner's, and bots of one account share theirs.
  const who = person.id
  const actions: PersonAction[] = [
    action('+', `louder for you (${person.volume} %)`, volume(who, Math.min(200, person.volume + 10))),
    action('-', 'quieter for you', volume(who, Math.max(0, person.volume - 10))),
    isUnheard(person)
      ? action('x', 'hear them again', does({ verb: 'hear', who }))
      : action('x', 'silence them for you alone', does({ verb: 'silence', who })),
  ]
  return isModerator(seat)
    ? [...programActions(person), ...moderatorActions(seat, person, who), ...actions, ...dangerousActions(person, who)]
    : actions
}

/** Of a bot that has told what it plays. */
const programActions = ({ id: who, kind, name, playing }: SeatParticipant): PersonAction[] => {
  if (kind !== 'bot' || playing === null) return []
  const program = (words: string): Effect => ({ do: 'program', who, name, words })
  const asking = (key: string, verb: ProgramCommand['do'], label: string): PersonAction => ({
    ...action(key, `${label}…`, program(verb)),
    asks: { verb, label },
  })
  return [
    playing.isPaused ? action('z', 'go on', program('resume')) : action('z', 'pause', program('pause')),
    action('s', 'skip to what comes next', program('skip')),
    asking('c', 'cue', 'play a cue'),
    asking('t', 'goto', 'go to a cue or time'),
    action('f', 'five minutes more', program('extend 5m')),
    asking('l', 'level', 'level, as -6dB or bed -6dB'),
    dangerous('b', 'end its program', program('stop'), `End the program of ${name}? It leaves the room.`),
  ]
}

const moderatorActions = (seat: SeatState, person: SeatParticipant, who: string): PersonAction[] => {
  const hand: Hand | undefined = seat.hands.find(({ participantId }) => participantId === person.id)
  if (person.role === 'listener')
    return hand
      ? [action('a', 'admit to the stage', stage('admit', who)), action('o', 'lower the hand', stage('lower', who))]
      : [action('i', 'invite to speak', stage('invite', who))]
  return [
    person.mutedByModerator
      ? action('w', 'allow to speak again', stage('allow', who))
      : action('m', 'mute', stage('mute', who)),
    ...(person.role === 'speaker' ? [action('e', 'send back to the audience', stage('demote', who))] : []),
  ]
}

const dangerousActions = (person: SeatParticipant, who: string): PersonAction[] => [
  ...(person.role === 'speaker'
    ? [
        dangerous(
          'p',
          'make a moderator',
          stage('moderator', who),
          `Give ${person.name} the same power over the room as you?`,
        ),
      ]
    : []),
  dangerous('r', 'remove from the room', stage('kick', who), `Remove ${person.name}? They cannot come back.`),
]

const action = (key: string, label: string, effect: Effect): PersonAction => ({
  key,
  label,
  does: [effect],
  isDangerous: false,
})

const dangerous = (key: string, label: string, effect: Effect, confirm: string): PersonAction => ({
  ...action(key, label, effect),
  isDangerous: true,
  confirm,
})

const does = (command: SeatCommand): Effect => ({ do: 'command', command })
const stage = (verb: StageAction, who: string): Effect => does({ verb: 'stage', action: verb, who })
const volume = (who: string, percent: number): Effect => does({ verb: 'volume', percent, who })
