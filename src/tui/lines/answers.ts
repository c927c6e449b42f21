import type { SeatParticipant, SeatState } from '../../protocol/seat.ts'
import { cleanLine } from '../../protocol/text.ts'
import { personActions, tuningWords } from '../people.ts'
import { playingWords } from '../playing.ts'
import { programVerbs } from '../program.ts'
import {
  clockTime,
  count,
  ending,
  isByYou,
  languageName,
  liveFor,
  microphoneSentence,
  volumeSentence,
} from '../words.ts'
import type { Deed } from './vocabulary.ts'

/** The answer to a question about the room, from its state alone; undefined when it is no such question. */
export const answer = (deed: Deed, state: SeatState): string | undefined => {
  switch (deed.does) {
    case 'status':
      return describeState(state)
    case 'now':
      return describeNow(state)
    case 'levels':
      return describeLevels(state)
    case 'hands':
      return state.hands.length > 0 ? lines(state.hands.map(handLine)) : 'No hand is up.'
    case 'who':
      return deed.text === '' ? describePeople(state, 1) : findPeople(state, deed.text)
    case 'act': {
      const person = personCalled(state, deed.text)
      return person ? describePerson(state, person) : cleanLine(`Nobody here is called ${deed.text}.`)
    }
    default:
      return undefined
  }
}

/** Where you are, whether you are heard, and who is on stage; several lines. */
export const describeState = (state: SeatState, nowMs = Date.now()): string => {
  const { room, you } = state
  return lines([
    `${room.title}: ${roomFacts(state, nowMs).join(', ')}.`,
    connectionSentence(state),
    `You are a ${you.role}. ${microphoneSentence(state)}${you.isNoiseSuppressed ? ' Noise is suppressed.' : ''}${volumeSentence(state)}${you.isDeafened ? ' You hear nothing: you are deafened.' : ''}`,
    stageSentence(state),
    playingSentence(state, nowMs),
    ...state.hands.map(handLine),
    room.link ? `Link: ${room.link}` : undefined,
  ])
}

/** How long it is live, how many are here, whether it is recorded. */
export const roomFacts = ({ room, counts }: SeatState, nowMs: number): string[] =>
  [
    room.topic ?? undefined,
    room.language ? `in ${languageName(room.language)}` : undefined,
    liveFor(room.startedAt, nowMs),
    `${count(counts.speakers + counts.listeners, 'person', 'people')} here`,
    room.isRecorded ? 'being recorded' : 'not recorded',
  ].filter((fact) => fact !== undefined)

/** What `describeState` tells, as labels and values; an empty value says nothing. */
export const stateFacts = (state: SeatState, nowMs = Date.now()): [label: string, value: string][] => {
  const { room, counts, you, participants, hands } = state
  const onStage = participants.filter(({ role }) => role !== 'listener')
  const facts: [string, string][] = [
    ['room', room.title],
    ['topic', room.topic ?? ''],
    ['language', room.language ?? ''],
    ['time', liveFor(room.startedAt, nowMs) ?? ''],
    ['people', String(counts.speakers + counts.listeners)],
    ['recording', room.isRecorded ? 'yes' : 'no'],
    ['connection', connectionSentence(state) ?? 'live'],
    ['role', you.role],
    ['microphone', microphoneSentence(state)],
    ['noise', you.isNoiseSuppressed ? 'suppressed' : ''],
    ['volume', you.volume === 100 ? '' : `${you.volume} %`],
    ['hearing', you.isDeafened ? 'nothing: deafened' : ''],
    ...onStage.map((person): [string, string] => ['on stage', `${nameOf(person)}, ${stageFacts(person)}`]),
    ['playing', room.playing ? `${playingWords(room.playing, nowMs)}, by ${room.playing.by.name}` : ''],
    ...hands.map(({ name, question }): [string, string] => ['hand', question ? `${name}: ${question}` : name]),
    ['link', room.link ?? ''],
  ]
  return facts.map(([label, value]) => [label, cleanLine(value)])
}

/** The present moment in few words: connection, who speaks, your microphone, what waits for an answer. */
const describeNow = (state: SeatState): string => {
  const { you, hands, network } = state
  const delay = network.roundTripMs === null ? undefined : `${Math.round(network.roundTripMs)} ms`
  const loss = network.lossPercent === null ? undefined : `${Math.round(network.lossPercent)} % lost`
  const quality = [delay, loss].filter((fact) => fact !== undefined).join(', ')
  return lines([
    connectionSentence(state) ?? `Connected${quality ? `: ${quality}` : ''}.`,
    speakingSentence(state),
    playingSentence(state, Date.now()),
    `${microphoneSentence(state)}${you.isDeafened ? ' You hear nothing: you are deafened.' : ''}`,
    hands.length > 0 ? `${count(hands.length, 'hand')} up. ${handLine(hands[0]!)}` : undefined,
  ])
}

/** `Guide plays Morning raga - Anoushka, 4 min left.` */
export const playingSentence = ({ room }: SeatState, nowMs: number): string | undefined => {
  const { playing } = room
  if (!playing) return undefined
  const { name } = playing.by
  const words = playingWords(playing, nowMs)
  if (playing.kind === 'silence') return `${name} keeps ${words}.`
  return playing.kind === 'floor' ? `${name}: ${words}.` : `${name} plays ${words}.`
}

const describeLevels = (state: SeatState): string => {
  const { you } = state
  const others = speakersIn(state).map((person) => `${person.name} speaks at ${Math.round(person.levelDb)} dB.`)
  const isYoursKnown = you.microphone === 'open' || you.isTalkingWhileMuted
  return lines([
    ...(others.length > 0 ? others : ['Nobody is speaking.']),
    isYoursKnown ? `Your microphone is at ${Math.round(you.levelDb)} dB.` : undefined,
  ])
}

const listenersOnPage = 20

export const pagesOf = ({ counts }: SeatState): number => Math.max(1, Math.ceil(counts.listeners / listenersOnPage))

/** The stage, and one page of the audience, counted from 1. */
export const describePeople = (state: SeatState, page: number): string =>
  lines([
    page === 1 ? stageSentence(state) : undefined,
    page === 1 ? playingSentence(state, Date.now()) : undefined,
    audienceSentence(state, page),
  ])

/** Those whose name or handle holds the text, and what each is doing. */
const findPeople = ({ participants }: SeatState, text: string): string => {
  const wanted = text.replace(/^@/, '').toLowerCase()
  const found = participants.filter(({ name, handle }) =>
    [name, handle ?? ''].some((known) => known.toLowerCase().includes(wanted)),
  )
  if (found.length === 0) return cleanLine(`Nobody here is called ${text}.`)
  const more = found.length - listenersOnPage
  return lines([
    ...found.slice(0, listenersOnPage).map(personSentence),
    more > 0 ? `${count(more, 'more person', 'more people')}: say more of the name.` : undefined,
  ])
}

/** Somebody by handle, name or id. */
export const personCalled = ({ participants }: SeatState, who: string): SeatParticipant | undefined => {
  const wanted = who.replace(/^@/, '').toLowerCase()
  return (
    participants.find(({ id, handle }) => id === who || handle === wanted) ??
    participants.find(({ name }) => name.toLowerCase() === wanted)
  )
}

/** Who somebody is here and every word that you may use on them now. */
const describePerson = (state: SeatState, person: SeatParticipant): string =>
  lines([
    personSentence(person),
    ...personActions(state, person).flatMap(({ label, does, asks }) =>
      does.map((effect) => {
        const who = nameToType(state, person)
        if (effect.do === 'command') return `  ${typedAs({ ...effect.command, who })}: ${label}`
        if (effect.do !== 'program') return undefined
        return `  ${asks ? programVerbs[asks.verb].usage : effect.words} ${who}: ${label.replace('…', '')}`
      }),
    ),
  ])

export const stageSentence = ({ participants }: SeatState): string => {
  const onStage = participants.filter(({ role }) => role !== 'listener')
  if (onStage.length === 0) return 'Nobody is on stage.'
  return `On stage: ${onStage.map((person) => `${nameOf(person)} (${stageFacts(person)})`).join(', ')}.`
}

/** Each line cleaned by itself, for text of others must not break into the next. */
const lines = (texts: (string | undefined)[]): string =>
  texts
    .filter((text) => text !== undefined)
    .map((text) => `${/^ */.exec(text)![0]}${cleanLine(text)}`)
    .join('\n')

/** The handle, unless several share it, as a person and their companion do: then the id. */
const nameToType = ({ participants }: SeatState, { handle, id }: SeatParticipant): string =>
  handle !== null && participants.filter((one) => one.handle === handle).length === 1 ? `@${handle}` : id

type Command = { verb: string; action?: string; who?: string; percent?: number }

const typedAs = ({ verb, action, who, percent }: Command): string =>
  [action ?? verb, percent, who].filter((word) => word !== undefined).join(' ')

const connectionSentence = (state: SeatState): string | undefined => {
  const { connection } = state
  if (connection.status === 'reconnecting') return `Reconnecting: ${connection.cause}.`
  if (connection.status === 'unresponsive')
    return `The seat has not answered since ${clockTime(connection.since, true)}; what follows is what it said last.`
  if (connection.status === 'joining') return 'Joining.'
  if (connection.status !== 'left') return undefined
  return ending(connection.reason, connection.by, isByYou(state, connection.by)).what
}

/** Those who speak now, but you. */
export const speakersIn = ({ participants }: SeatState): SeatParticipant[] =>
  participants.filter(({ isSpeaking, isYou }) => isSpeaking && !isYou)

const speakingSentence = (state: SeatState): string => {
  const speaking = speakersIn(state)
  return speaking.length === 0 ? 'Nobody is speaking.' : `Speaking: ${speaking.map(({ name }) => name).join(', ')}.`
}

const audienceSentence = ({ participants, counts }: SeatState, page: number): string => {
  if (counts.listeners === 0) return 'Nobody is listening.'
  const before = (page - 1) * listenersOnPage
  const shown = participants.filter(({ role }) => role === 'listener').slice(before, before + listenersOnPage)
  if (shown.length === 0) return 'That was everybody.'
  const more = counts.listeners - before - shown.length
  return `Listening: ${[...shown.map(nameOf), ...(more > 0 ? [`${more} more`] : [])].join(', ')}.`
}

const handLine = ({ position, name, question }: SeatState['hands'][number]): string =>
  `Hand ${position}: ${name}${question ? `: ${question}` : ''}`

const personSentence = (person: SeatParticipant): string => {
  const place = person.role === 'listener' ? audienceFacts(person) : `on stage, ${stageFacts(person)}`
  return `${nameOf(person)}${person.handle ? `, @${person.handle}` : ''}: ${place}.`
}

const nameOf = (person: SeatParticipant): string => (person.isYou ? 'you' : person.name)

const audienceFacts = (person: SeatParticipant): string =>
  facts([
    'in the audience',
    person.hasHandUp && 'hand up',
    person.isAway && 'away',
    person.isRecording && 'recording',
    tunedFor(person),
  ])

const stageFacts = (person: SeatParticipant): string =>
  facts([
    person.kind === 'bot' && 'bot',
    person.role === 'moderator' && 'moderator',
    person.isAway ? 'away' : voiceWord(person),
    tunedFor(person),
  ])

const tunedFor = (person: SeatParticipant): string | false => {
  const words = tuningWords(person)
  return words !== '' && `${words} for you`
}

const facts = (given: (string | false)[]): string => given.filter((fact) => fact !== false).join(', ')

const voiceWord = (person: SeatParticipant): string => {
  if (person.mutedByModerator) return 'muted by a moderator'
  if (person.isMuted) return 'muted'
  return person.isSpeaking ? 'speaking' : 'open'
}
