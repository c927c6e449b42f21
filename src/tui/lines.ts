import type { SeatCommand, SeatEvent, SeatParticipant, SeatState } from '../protocol/seat.ts'
import type { stageActions } from '../protocol/stage-actions.ts'
import { cleanLine } from '../protocol/text.ts'
import { clockTime, count, ending, listNames, liveFor, microphoneSentence, placeInLine } from './words.ts'

/** Questions that the line mode answers from the state it has. */
export type LineQuestion = 'status' | 'who' | 'levels' | 'hands' | 'help'
export type LineInput = { command: SeatCommand } | { question: LineQuestion } | { unknown: string } | { empty: true }

/**
 * One plain sentence for an event, or undefined when it neither concerns you nor changes the stage. `before` is the
 * state that came before the event's own, for what only it still knows: whether one who left was on stage.
 */
export const describe = (event: SeatEvent, state: SeatState, before: SeatState = state): string | undefined => {
  const sentence = sentenceFor(event, state, before)
  return sentence === undefined ? undefined : cleanLine(sentence)
}

/** Where you are, whether you are heard, and who is on stage; several lines. */
export const describeState = (state: SeatState, nowMs = Date.now()): string => {
  const { room, counts } = state
  const facts = [
    liveFor(room.startedAt, nowMs),
    `${count(counts.speakers + counts.listeners, 'person', 'people')} here`,
    room.isRecorded ? 'being recorded' : 'not recorded',
  ].filter((fact) => fact !== undefined)
  return [
    `${room.title}: ${facts.join(', ')}.`,
    connectionSentence(state),
    `You are ${withArticle(state.you.role)}. ${microphoneSentence(state)}${state.you.isDeafened ? ' You hear nothing: you are deafened.' : ''}`,
    stageSentence(state),
    ...(state.hands.length > 0 ? [handLines(state)] : []),
    ...(room.link ? [`Link: ${room.link}`] : []),
  ]
    .filter((line) => line !== undefined)
    .map(cleanLines)
    .join('\n')
}

/** The answer to a question that `parseLine` recognised; may have several lines. */
export const answerLine = (question: LineQuestion, state: SeatState, nowMs = Date.now()): string => {
  switch (question) {
    case 'status':
      return describeState(state, nowMs)
    case 'who':
      return cleanLines([stageSentence(state), audienceSentence(state)].join('\n'))
    case 'levels':
      return cleanLines(levelLines(state))
    case 'hands':
      return cleanLines(state.hands.length > 0 ? handLines(state) : 'No hand is up.')
    case 'help':
      return lineHelp()
  }
}

/** Reads one typed line. Words are not case sensitive; `unknown` carries a sentence that says what is wrong. */
export const parseLine = (text: string): LineInput => {
  const line = cleanLine(text)
  if (line === '') return { empty: true }
  const [first = '', ...others] = line.split(' ')
  const word = first.toLowerCase()
  const rest = others.join(' ')
  const known = words.find(({ names }) => names.includes(word))
  if (!known) return { unknown: `"${word}" is not a command. Type help for the list.` }
  return known.read(rest, word)
}

/** All that can be typed, one command a line. */
export const lineHelp = (): string => {
  const width = Math.max(...words.map(({ usage }) => usage.length))
  return [
    'Type a command and press Enter:',
    ...words.map(({ usage, help }) => `  ${usage.padEnd(width)}  ${help}`),
  ].join('\n')
}

type Word = { names: string[]; usage: string; help: string; read: (rest: string, word: string) => LineInput }

const plain = (
  verb: 'mute' | 'unmute' | 'deafen' | 'undeafen' | 'lower' | 'accept' | 'decline' | 'step-down' | 'leave' | 'end-room',
  names: string[],
  help: string,
): Word => ({
  names,
  usage: names[0]!,
  help,
  read: (rest, word) => (rest === '' ? { command: { verb } } : { unknown: `"${word}" takes nothing after it.` }),
})

const question = (asked: LineQuestion, names: string[], help: string): Word => ({
  names,
  usage: names[0]!,
  help,
  read: () => ({ question: asked }),
})

const onStageHelp: Record<(typeof stageActions)[number], string> = {
  invite: 'ask somebody to speak',
  admit: 'bring a raised hand on stage',
  lower: "lower somebody's hand",
  mute: 'take the right to speak',
  allow: 'give it back',
  demote: 'send back to the audience',
  kick: 'remove from the room, for good',
  moderator: 'make somebody a moderator',
}

const stageWord = (action: Exclude<(typeof stageActions)[number], 'mute' | 'lower'>): Word => ({
  names: [action],
  usage: `${action} @who`,
  help: `${onStageHelp[action]} (moderators)`,
  read: (rest) => stageCommand(action, rest),
})

/** `mute` and `lower` alone are about yourself, with a name about somebody else. */
const selfOrStage = (verb: 'mute' | 'lower', help: string): Word => ({
  names: [verb],
  usage: `${verb} [@who]`,
  help: `${help}; with a name: ${onStageHelp[verb]} (moderators)`,
  read: (rest) => (rest === '' ? { command: { verb } } : stageCommand(verb, rest)),
})

const words: Word[] = [
  selfOrStage('mute', 'close your microphone'),
  plain('unmute', ['unmute'], 'open your microphone'),
  {
    names: ['hand', 'raise'],
    usage: 'hand [question]',
    help: 'raise your hand, with a question if you like',
    read: (rest) => ({ command: { verb: 'hand', ...(rest === '' ? {} : { question: rest }) } }),
  },
  selfOrStage('lower', 'lower your hand'),
  plain('accept', ['accept', 'yes'], 'accept an invitation to speak'),
  plain('decline', ['decline', 'no'], 'decline it'),
  {
    names: ['step', 'step-down'],
    usage: 'step down',
    help: 'leave the stage, stay in the room',
    read: (rest, word) =>
      word === 'step-down' || rest.toLowerCase() === 'down'
        ? { command: { verb: 'step-down' } }
        : { unknown: 'Type "step down" to leave the stage.' },
  },
  {
    names: ['volume'],
    usage: 'volume 0..200 [@who]',
    help: 'how loud all, or one person, is for you',
    read: readVolume,
  },
  plain('deafen', ['deafen'], 'hear nothing'),
  plain('undeafen', ['undeafen'], 'hear again'),
  question('status', ['status'], 'where you are and whether you are heard'),
  question('who', ['who'], 'who is here'),
  question('levels', ['levels'], 'who speaks how loud'),
  question('hands', ['hands'], 'raised hands in order'),
  stageWord('invite'),
  stageWord('admit'),
  stageWord('allow'),
  stageWord('demote'),
  stageWord('moderator'),
  stageWord('kick'),
  plain('end-room', ['end'], 'end the room for everyone (moderators)'),
  plain('leave', ['leave', 'quit', 'exit'], 'leave the room'),
  question('help', ['help', '?'], 'this list'),
]

function stageCommand(action: string, who: string): LineInput {
  if (who === '') return { unknown: `Say whom: ${action} @name` }
  if (who.includes(' ')) return { unknown: `One person at a time: ${action} @name` }
  return { command: { verb: 'stage', action, who } }
}

function readVolume(rest: string): LineInput {
  const match = /^(\d{1,3})\s*%?(?:\s+(\S+))?$/.exec(rest)
  const percent = Number(match?.[1])
  if (!match || percent > 200) return { unknown: 'Say a volume from 0 to 200: volume 80, or volume 80 @name' }
  return { command: { verb: 'volume', percent, ...(match[2] ? { who: match[2] } : {}) } }
}

function sentenceFor(event: SeatEvent, state: SeatState, before: SeatState): string | undefined {
  switch (event.type) {
    case 'joined':
      return `You are in ${event.title} as ${withArticle(event.role)}; ${count(event.participants, 'person', 'people')} here. ${microphoneSentence(state)}`
    case 'participant-joined':
      return event.role === 'listener' ? undefined : `${event.name} joined the stage as ${withArticle(event.role)}.`
    case 'participant-left':
      return leftSentence(event, state, before)
    case 'role-changed':
      return roleSentence(event, state)
    case 'hand-raised':
      if (event.isYou) return `Your hand is up, ${placeInLine(event.position)}.`
      return `${event.name} raised a hand, ${placeInLine(event.position)}${event.question ? `: ${event.question}` : '.'}`
    case 'hand-lowered':
      return handLoweredSentence(event)
    case 'invited-to-speak':
      return event.isYou
        ? `${event.by} invites you to speak, until ${clockTime(event.expiresAt)}. Accept or decline.`
        : `${event.by} invited ${event.name} to speak.`
    case 'invitation-closed':
      return invitationSentence(event)
    case 'muted':
      if (event.isYou) return ownMutingSentence(event.byModerator, state)
      return event.byModerator ? `A moderator muted ${event.name}.` : undefined
    case 'unmuted':
      if (event.isYou)
        return event.byModerator ? 'You may speak again. You are still muted.' : 'Your microphone is open.'
      return event.byModerator ? `${event.name} may speak again.` : undefined
    case 'recording':
      if (!event.isRecorded) return 'The recording has ended.'
      return event.names.length > 0 ? `${listNames(event.names)} records this room.` : 'This room is being recorded.'
    case 'room-changed':
      return `The room is now called ${event.title}.`
    case 'moderator-awaited':
      if (event.names.length === 0 || event.until === null) return 'A moderator is back.'
      return `No moderator is here. The room waits for ${listNames(event.names)} until ${clockTime(event.until)}.`
    case 'reconnecting':
      return `Connection lost: ${event.cause}. Reconnecting.`
    case 'reconnected':
      return `Connected again after ${Math.max(1, Math.round(event.afterMs / 1000))} s.`
    case 'device-lost':
      return `Your ${event.device} is gone: ${event.name}.`
    case 'device-back':
      return `Your ${event.device} is back: ${event.name}.`
    case 'warning':
      return event.message
    case 'left':
      return event.reason === 'failed' && event.message ? event.message : ending(event.reason, event.by).what
    case 'speaking':
    case 'heard':
      return undefined
  }
}

function ownMutingSentence(byModerator: boolean, { you }: SeatState): string {
  if (byModerator) return 'A moderator muted you. You cannot unmute yourself now.'
  return you.microphone === 'no-microphone'
    ? 'The sound for your microphone has ended: you are not heard any more.'
    : 'You are muted.'
}

function leftSentence(
  event: Extract<SeatEvent, { type: 'participant-left' }>,
  state: SeatState,
  before: SeatState,
): string | undefined {
  const person = [...before.participants, ...state.participants].find(({ id }) => id === event.participantId)
  if (event.reason === 'kicked' && (person?.role !== 'listener' || state.you.role === 'moderator'))
    return `${event.name} was removed by ${event.by ?? 'a moderator'}.`
  if (!person || person.role === 'listener') return undefined
  return event.reason === 'lost' ? `${event.name} lost the connection.` : `${event.name} left the room.`
}

function roleSentence(event: Extract<SeatEvent, { type: 'role-changed' }>, state: SeatState): string | undefined {
  const { name, role, was, isYou } = event
  if (isYou) {
    if (role === 'listener') return 'You are back in the audience.'
    if (role === 'speaker') return `You are on stage. ${microphoneSentence(state)}`
    return `You are a moderator now. ${microphoneSentence(state)}`
  }
  if (role === 'listener') return `${name} went back to the audience.`
  if (role === 'speaker') return was === 'moderator' ? `${name} is no longer a moderator.` : `${name} is on stage now.`
  return `${name} is a moderator now.`
}

function handLoweredSentence(event: Extract<SeatEvent, { type: 'hand-lowered' }>): string | undefined {
  if (event.reason !== 'self' && event.reason !== 'moderator') return undefined
  if (event.isYou) return event.reason === 'self' ? 'Your hand is down.' : 'A moderator lowered your hand.'
  return `${event.name} no longer has a hand up.`
}

function invitationSentence(event: Extract<SeatEvent, { type: 'invitation-closed' }>): string | undefined {
  const whose = event.isYou ? 'The invitation' : `The invitation to ${event.name}`
  switch (event.outcome) {
    case 'declined':
      return event.isYou ? 'You declined the invitation.' : `${event.name} declined the invitation.`
    case 'expired':
      return `${whose} has run out.`
    case 'withdrawn':
      return `${whose} was withdrawn.`
    default:
      return undefined
  }
}

function connectionSentence({ connection }: SeatState): string | undefined {
  if (connection.status === 'reconnecting') return `Reconnecting: ${connection.cause}.`
  if (connection.status === 'joining') return 'Joining.'
  return connection.status === 'left' ? ending(connection.reason, connection.by).what : undefined
}

function stageSentence({ participants }: SeatState): string {
  const onStage = participants.filter(({ role }) => role !== 'listener')
  if (onStage.length === 0) return 'Nobody is on stage.'
  return `On stage: ${onStage.map((person) => `${personName(person)} (${personFacts(person)})`).join(', ')}.`
}

function audienceSentence({ participants, counts }: SeatState): string {
  const listeners = participants.filter(({ role }) => role === 'listener')
  if (counts.listeners === 0) return 'Nobody is listening.'
  const named = listeners.slice(0, 20).map(personName)
  const more = counts.listeners - named.length
  return `Listening: ${[...named, ...(more > 0 ? [`${more} more`] : [])].join(', ')}.`
}

function levelLines({ participants, you }: SeatState): string {
  const speaking = participants.filter((person) => person.isSpeaking && !person.isYou)
  const others = speaking.map((person) => `${personName(person)} speaks at ${Math.round(person.levelDb)} dB.`)
  const yours =
    you.microphone === 'open' || you.isTalkingWhileMuted ? [`Your microphone is at ${Math.round(you.levelDb)} dB.`] : []
  return [...(others.length > 0 ? others : ['Nobody is speaking.']), ...yours].join('\n')
}

function handLines({ hands }: SeatState): string {
  return hands
    .map(({ position, name, question: asked }) => `Hand ${position}: ${name}${asked ? `: ${asked}` : ''}`)
    .join('\n')
}

const personName = (person: SeatParticipant): string => (person.isYou ? 'you' : person.name)

const personFacts = (person: SeatParticipant): string =>
  [
    person.kind === 'bot' ? 'bot' : undefined,
    person.role === 'moderator' ? 'moderator' : undefined,
    person.isAway ? 'away' : voiceWord(person),
  ]
    .filter((fact) => fact !== undefined)
    .join(', ')

const voiceWord = (person: SeatParticipant): string => {
  if (person.mutedByModerator) return 'muted by a moderator'
  if (person.isMuted) return 'muted'
  return person.isSpeaking ? 'speaking' : 'open'
}

const withArticle = (role: SeatState['you']['role']): string => `a ${role}`

const cleanLines = (text: string): string => text.split('\n').map(cleanLine).join('\n')
