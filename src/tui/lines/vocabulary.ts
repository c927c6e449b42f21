import type { SeatCommand } from '../../protocol/seat.ts'
import { stageActions } from '../../protocol/stage-actions.ts'
import { cleanLine } from '../../protocol/text.ts'
import type { ActionId } from '../keys.ts'
import type { TrialKind } from '../model.ts'
import { programVerbs } from '../program.ts'
import { type NewsKind, newsKinds } from './kinds.ts'

export type LinePlace = 'hallway' | 'room'

/** What the line mode does itself; `text` is what was typed after the word. */
export type Deed =
  | { does: 'list' | 'more' | 'less' | 'first' | 'last' | 'rejoin' | 'retry' | 'back' }
  | { does: 'leave' | 'quit' | 'detach' | 'screen' | 'suspend' | 'devices' | 'settings' }
  | { does: 'status' | 'now' | 'levels' | 'hands' | 'help' | 'kinds' | 'louder' | 'quieter' | 'events' }
  | { does: 'topic' | 'language'; text: string }
  | { does: 'join' | 'search' | 'create' | 'about' | 'who' | 'act' | 'link' | 'browser' | 'rename'; text: string }
  | { does: 'use' | 'set'; text: string }
  | { does: 'try'; what: TrialKind }
  | { does: 'say'; kind: NewsKind | 'pull'; isOn: boolean }
  | { does: 'again'; count: number }
  /** A command to the bot that is named in `text`, or to the one that plays. */
  | { does: 'program'; verb: string; text: string }
export type LineInput = { command: SeatCommand } | Deed | { unknown: string } | { empty: true }

/** Reads one typed line. Words are not case sensitive; `unknown` carries a sentence that says what is wrong. */
export const parseLine = (typed: string, place: LinePlace): LineInput => {
  const line = cleanLine(typed)
  if (line === '') return { empty: true }
  const [first = '', ...others] = line.split(' ')
  const name = first.toLowerCase()
  if (place === 'hallway' && /^\d+$/.test(line)) return { does: 'join', text: line }
  const known = words.find(({ names, places }) => names.includes(name) && places.includes(place))
  if (known) return known.read(others.join(' '), name)
  const isElsewhere = words.some(({ names }) => names.includes(name))
  if (!isElsewhere) return { unknown: `"${name}" is not a command. Type help for the list.` }
  return { unknown: place === 'hallway' ? `"${name}" is for a room: join one first.` : leaveFirst(name) }
}

const leaveFirst = (name: string) => `"${name}" is for the hallway: leave the room first.`

/** All that can be typed in a place, one word a line. */
export const lineHelp = (place: LinePlace): string => {
  const shown = words.filter(({ places }) => places.includes(place))
  return ['Type a word and press Enter:', ...shown.map(({ usage, help }) => `  ${usage}: ${help}`)].join('\n')
}

/**
 * What to type instead of each key of the full screen, where that key counts: every action has its word. Where the focus
 * moves on the screen, lines are listed and paged; Enter itself ends every typed line.
 */
export const wordFor: Record<ActionId, string | Record<LinePlace, string>> = {
  interrupt: 'quit',
  suspend: 'suspend',
  redraw: 'again',
  help: 'help',
  'close-help': '',
  palette: 'help',
  settings: 'settings',
  devices: 'devices',
  quit: 'quit',
  plain: 'screen',
  back: 'back',
  submit: '',
  up: 'less',
  down: 'more',
  left: 'less',
  right: 'more',
  first: 'first',
  last: 'last',
  'page-up': 'less',
  'page-down': 'more',
  'next-section': 'hands',
  join: 'join 1',
  search: 'search text',
  'same-topic': 'topic text',
  'same-language': 'language de',
  events: 'events',
  find: 'who name',
  'new-room': 'create Title',
  refresh: 'list',
  retry: 'retry',
  accept: 'accept',
  decline: 'decline',
  'toggle-mute': 'mute',
  talk: 'talk on',
  hand: 'hand',
  'lower-hand': 'lower',
  act: 'act @who',
  louder: 'louder',
  quieter: 'quieter',
  deafen: 'deafen',
  'step-down': 'step down',
  'copy-link': { hallway: 'link 1', room: 'link' },
  'open-link': { hallway: 'browser 1', room: 'browser' },
  rename: 'rename Name',
  choose: 'use 1',
  'test-tone': 'tone',
  'try-microphone': 'microphone',
  loopback: 'loopback',
  leave: 'leave',
  'end-room': 'end',
  rejoin: 'rejoin',
  hallway: 'list',
}

type Word = {
  names: string[]
  usage: string
  help: string
  places: LinePlace[]
  read: (rest: string, name: string) => LineInput
}

const hallway: LinePlace[] = ['hallway']
const room: LinePlace[] = ['room']
const both: LinePlace[] = ['hallway', 'room']

/** A word that stands alone. */
const bare = (names: string[], places: LinePlace[], input: LineInput, help: string): Word => ({
  names,
  usage: names[0]!,
  help,
  places,
  read: (rest, name) => (rest === '' ? input : { unknown: `"${name}" takes nothing after it.` }),
})

/** A word with text after it; without any, `alone` is meant. */
const withText = (
  names: string[],
  places: LinePlace[],
  does: Exclude<Extract<Deed, { text: string }>, { verb: string }>['does'],
  usage: string,
  alone: LineInput,
  help: string,
): Word => ({ names, usage, help, places, read: (rest) => (rest === '' ? alone : { does, text: rest }) })

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

/** `mute` and `lower` alone are about yourself, with a name about somebody else. */
const selfOrStage = (verb: 'mute' | 'lower', help: string): Word => ({
  names: [verb],
  usage: `${verb} [@who]`,
  help: `${help}; with a name: ${onStageHelp[verb]} (moderators)`,
  places: room,
  read: (rest) => (rest === '' ? { command: { verb } } : stageCommand(verb, rest)),
})

const stageWord = (action: (typeof stageActions)[number]): Word => ({
  names: [action],
  usage: `${action} @who`,
  help: `${onStageHelp[action]} (moderators)`,
  places: room,
  read: (rest) => stageCommand(action, rest),
})

const stageCommand = (action: string, who: string): LineInput => {
  if (who === '') return { unknown: `Say whom: ${action} @name` }
  if (who.includes(' ')) return { unknown: `One person at a time: ${action} @name` }
  return { command: { verb: 'stage', action, who } }
}

/** What is done to somebody for your own ears alone. */
const hearing = (verb: 'silence' | 'hear', help: string): Word => ({
  names: [verb],
  usage: `${verb} @who`,
  help,
  places: room,
  read: (rest) => (rest === '' ? { unknown: `Say whom: ${verb} @name` } : { command: { verb, who: rest } }),
})

const readVolume = (rest: string): LineInput => {
  const [isFitting, before, text, after] = /^(?:(\D\S*)\s+)?(\d{1,3})\s*%?(?:\s+(\S+))?$/.exec(rest) ?? []
  const percent = Number(text)
  if (isFitting === undefined || percent > 200 || (before && after))
    return { unknown: 'Say a volume from 0 to 200: volume 80, or volume @name 80' }
  const who = before ?? after
  return { command: { verb: 'volume', percent, ...(who ? { who } : {}) } }
}

const readTalk = (rest: string): LineInput =>
  ['on', 'off'].includes(rest.toLowerCase())
    ? { command: { verb: 'talk', on: rest.toLowerCase() === 'on' } }
    : { unknown: 'Type talk on or talk off.' }

const readNoise = (rest: string): LineInput =>
  ['on', 'off'].includes(rest.toLowerCase())
    ? { does: 'set', text: `noise ${rest.toLowerCase()}` }
    : { unknown: 'Type noise on or noise off.' }

const readStepDown = (rest: string, name: string): LineInput =>
  name === 'step-down' || rest.toLowerCase() === 'down'
    ? { command: { verb: 'step-down' } }
    : { unknown: 'Type "step down" to leave the stage.' }

const readAgain = (rest: string): LineInput => {
  if (rest === '') return { does: 'again', count: 1 }
  return /^[1-9]\d{0,2}$/.test(rest) ? { does: 'again', count: Number(rest) } : { unknown: 'Say how many: again 3' }
}

const readSay = (rest: string): LineInput => {
  const [kind = '', how = 'on', ...more] = rest.toLowerCase().split(' ')
  if (kind === '') return { does: 'kinds' }
  const known = [...newsKinds, 'pull' as const].find((one) => one === kind)
  if (!known || more.length > 0 || !['on', 'off'].includes(how))
    return { unknown: `Say a kind and on or off: ${newsKinds.join(', ')} or pull.` }
  return { does: 'say', kind: known, isOn: how === 'on' }
}

const sayWhich = (word: string): LineInput => ({ unknown: `Say which room: ${word} 1, or its title, link or id.` })

const programWord = ([verb, { usage, help }]: [string, { usage: string; help: string }]): Word => ({
  names: [verb],
  usage: `${usage} [@bot]`,
  help: `${help} (moderators)`,
  places: room,
  read: (rest) => ({ does: 'program', verb, text: rest }),
})

/** Everything that can be typed, in the order of help. */
const words: Word[] = [
  withText(['join', 'open'], hallway, 'join', 'join N', sayWhich('join'), 'enter a room by number, title, link or id'),
  bare(['list', 'rooms', 'hallway'], hallway, { does: 'list' }, 'the live rooms, newest first'),
  withText(['search', 'find'], hallway, 'search', 'search TEXT', { does: 'list' }, 'rooms by title, topic or people'),
  withText(
    ['topic'],
    hallway,
    'topic',
    'topic TEXT',
    { does: 'topic', text: '' },
    'only rooms of that topic; alone: any',
  ),
  withText(
    ['language', 'lang'],
    hallway,
    'language',
    'language TAG',
    { does: 'language', text: '' },
    'the same: language de',
  ),
  bare(['events', 'upcoming'], hallway, { does: 'events' }, 'sessions that are announced'),
  withText(['about'], hallway, 'about', 'about N', sayWhich('about'), 'who is on stage, the host, the link'),
  withText(
    ['create', 'new', 'start'],
    hallway,
    'create',
    'create TITLE',
    { unknown: 'Say its title: create Morning sit' },
    'open a room of your own',
  ),
  withText(['link'], hallway, 'link', 'link N', sayWhich('link'), 'the link of a room, to copy'),
  withText(['browser'], hallway, 'browser', 'browser N', sayWhich('browser'), 'open that link elsewhere'),
  withText(['rename'], hallway, 'rename', 'rename NAME', { unknown: 'Say your name: rename Ana' }, 'change your name'),
  bare(['rejoin'], hallway, { does: 'rejoin' }, 'back into the room you were in last'),
  bare(['retry'], hallway, { does: 'retry' }, 'ask the server again at once'),
  selfOrStage('mute', 'close your microphone'),
  bare(['unmute'], room, { command: { verb: 'unmute' } }, 'open your microphone'),
  { names: ['talk'], usage: 'talk on|off', help: 'the same in two other words', places: room, read: readTalk },
  {
    names: ['hand', 'raise'],
    usage: 'hand [question]',
    help: 'raise your hand, with a question if you like',
    places: room,
    read: (rest) => ({ command: { verb: 'hand', ...(rest === '' ? {} : { question: rest }) } }),
  },
  selfOrStage('lower', 'lower your hand'),
  bare(['accept', 'yes'], room, { command: { verb: 'accept' } }, 'accept an invitation to speak'),
  bare(['decline', 'no'], room, { command: { verb: 'decline' } }, 'decline it'),
  {
    names: ['step', 'step-down'],
    usage: 'step down',
    help: 'leave the stage, stay in the room',
    places: room,
    read: readStepDown,
  },
  {
    names: ['volume'],
    usage: 'volume [@who] 0..200',
    help: 'how loud all, or one person, is for you',
    places: room,
    read: readVolume,
  },
  hearing('silence', 'do not hear somebody, from now on and for you alone'),
  hearing('hear', 'hear them again'),
  bare(['louder'], room, { does: 'louder' }, 'all a little louder'),
  bare(['quieter'], room, { does: 'quieter' }, 'all a little quieter'),
  bare(['deafen'], room, { command: { verb: 'deafen' } }, 'hear nothing'),
  bare(['undeafen'], room, { command: { verb: 'undeafen' } }, 'hear again'),
  bare(['now'], room, { does: 'now' }, 'who speaks now, and your microphone'),
  bare(['status'], room, { does: 'status' }, 'where you are, the stage and the link'),
  withText(['who'], room, 'who', 'who [NAME]', { does: 'who', text: '' }, 'who is here; with a name: that person'),
  bare(['levels'], room, { does: 'levels' }, 'who speaks how loud'),
  bare(['hands'], room, { does: 'hands' }, 'raised hands in order'),
  withText(['act'], room, 'act', 'act @who', { unknown: 'Say on whom: act @name' }, 'what you may do to somebody'),
  ...stageActions.filter((action) => action !== 'mute' && action !== 'lower').map(stageWord),
  ...Object.entries(programVerbs).map(programWord),
  bare(['end'], room, { command: { verb: 'end-room' } }, 'end the room for everyone (moderators)'),
  bare(['link'], room, { does: 'link', text: '' }, 'the link of the room, to copy'),
  bare(['browser'], room, { does: 'browser', text: '' }, 'open that link elsewhere'),
  bare(['leave'], room, { does: 'leave' }, 'leave the room'),
  bare(['detach'], room, { does: 'detach' }, 'end this program and stay in the room'),
  bare(['more', 'next'], both, { does: 'more' }, 'go on in the list'),
  bare(['less', 'previous'], both, { does: 'less' }, 'back in the list'),
  bare(['first'], both, { does: 'first' }, 'to the beginning of the list'),
  bare(['last'], both, { does: 'last' }, 'to its end'),
  bare(['back'], both, { does: 'back' }, 'one step back: all rooms again; from a room, out of it'),
  {
    names: ['say'],
    usage: 'say KIND on|off',
    help: 'what is said by itself; say alone lists the kinds; say pull: only when you press Enter',
    places: both,
    read: readSay,
  },
  { names: ['again'], usage: 'again [N]', help: 'repeat the last lines', places: both, read: readAgain },
  bare(['devices'], both, { does: 'devices' }, 'microphones and speakers'),
  withText(['use'], both, 'use', 'use N', { unknown: 'Say which device: use 1, or its name' }, 'take that device'),
  bare(['tone'], both, { does: 'try', what: 'tone' }, 'a test tone on the speaker'),
  bare(['microphone'], both, { does: 'try', what: 'microphone' }, 'how loud it is; nobody hears it'),
  bare(['loopback'], both, { does: 'try', what: 'loopback' }, 'hear your own microphone'),
  bare(['settings'], both, { does: 'settings' }, 'what can be set'),
  withText(['set'], both, 'set', 'set WHAT HOW', { does: 'settings' }, 'change a setting'),
  {
    names: ['noise'],
    usage: 'noise on|off',
    help: 'take the noise out of your voice',
    places: both,
    read: readNoise,
  },
  bare(['screen'], both, { does: 'screen' }, 'the full screen instead of lines'),
  bare(['suspend'], both, { does: 'suspend' }, 'to the shell; fg returns'),
  bare(['help', '?'], both, { does: 'help' }, 'this list'),
  bare(['quit', 'exit'], both, { does: 'quit' }, 'leave and end this program'),
]
