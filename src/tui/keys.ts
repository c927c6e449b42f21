import type { Model } from './model.ts'
import { isModerator, personActions, personById } from './people.ts'

/** Where a key counts. An open overlay takes all keys but the global ones. */
export type Place = Model['screen'] | NonNullable<Model['overlay']>['kind']

export type ActionId =
  | 'interrupt'
  | 'suspend'
  | 'redraw'
  | 'plain'
  | 'help'
  | 'close-help'
  | 'palette'
  | 'settings'
  | 'devices'
  | 'quit'
  | 'back'
  | 'submit'
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'first'
  | 'last'
  | 'next-section'
  | 'join'
  | 'search'
  | 'same-topic'
  | 'same-language'
  | 'events'
  | 'find'
  | 'new-room'
  | 'refresh'
  | 'retry'
  | 'accept'
  | 'decline'
  | 'toggle-mute'
  | 'talk'
  | 'hand'
  | 'lower-hand'
  | 'act'
  | 'louder'
  | 'quieter'
  | 'deafen'
  | 'step-down'
  | 'copy-link'
  | 'open-link'
  | 'rename'
  | 'choose'
  | 'test-tone'
  | 'try-microphone'
  | 'loopback'
  | 'leave'
  | 'end-room'
  | 'rejoin'
  | 'hallway'

export type KeyBinding = {
  action: ActionId
  keys: string[]
  places: Place[]
  /** For the bottom line: few words, may depend on what the key would do now. Empty: help alone tells of it. */
  label: (model: Model) => string
  help: string
  /** Left out of the bottom line, and without effect, when it says no. */
  isPossible: (model: Model) => boolean
}

const always = () => true
const screens: Place[] = ['starting', 'offline', 'hallway', 'joining', 'room', 'ended']
const lists: Place[] = ['hallway', 'room', 'help', 'menu', 'devices', 'settings', 'events']
const overlays: Place[] = ['help', 'menu', 'confirm', 'prompt', 'palette', 'devices', 'settings', 'events']
const everywhere: Place[] = [...screens, 'sign-in', ...overlays]

const bind = (
  action: ActionId,
  keys: string[],
  places: Place[],
  label: string | ((model: Model) => string),
  help: string,
  isPossible: (model: Model) => boolean = always,
): KeyBinding => ({
  action,
  keys,
  places,
  label: typeof label === 'string' ? () => label : label,
  help,
  isPossible,
})

const microphone = (model: Model) => model.seat?.you.microphone
const isListener = (model: Model) => model.seat?.you.role === 'listener'
const hasHandUp = (model: Model) => model.seat?.you.hand !== null
const isLive = (model: Model) => model.seat?.connection.status === 'live'
const focused = (model: Model) => (model.seat ? personById(model.seat, model.focus?.id) : undefined)
const hasLink = (model: Model) => linkOf(model) !== undefined

const canNarrow = ({ hallway }: Model, by: 'topic' | 'language') =>
  hallway[by] !== null || hallway.rows.some(({ room }) => room.id === hallway.selectedId && room[by] !== null)

/** The link of the room that one is in, or that is chosen. */
export const linkOf = ({ screen, seat, hallway }: Model): string | undefined => {
  if (screen === 'room') return seat?.room.link ?? undefined
  if (screen !== 'hallway') return undefined
  return hallway.rows.find(({ room, isEnded }) => room.id === hallway.selectedId && !isEnded)?.room.link
}

/** All keys, in the order of the bottom line. Help, the bottom line, the palette and the reducer read this one table. */
export const keyTable: KeyBinding[] = [
  bind('submit', ['enter'], ['sign-in', 'prompt', 'palette'], 'go on', 'take what is typed'),
  bind('accept', ['y'], ['room'], 'accept', 'accept or decline', (m) => m.seat?.you.invitation != null),
  bind('decline', ['n'], ['room'], 'decline', 'accept or decline', (m) => m.seat?.you.invitation != null),
  bind(
    'toggle-mute',
    ['space', 'm'],
    ['room'],
    (m) => (m.seat?.you.isMuted ? 'unmute' : 'mute'),
    'open or close your mic',
    (m) => microphone(m) === 'open' || microphone(m) === 'muted',
  ),
  bind(
    'hand',
    ['h'],
    ['room'],
    'hand',
    'raise or lower your hand',
    (m) => isListener(m) && !hasHandUp(m) && m.seat?.you.invitation == null && isLive(m),
  ),
  bind('lower-hand', ['h'], ['room'], 'lower hand', 'raise or lower your hand', (m) => isListener(m) && hasHandUp(m)),
  bind(
    'up',
    ['up', 'k'],
    lists,
    (m) => (m.overlay === null && (m.screen === 'room' || m.hallway.rows.length > 1) ? 'choose' : ''),
    'choose',
  ),
  bind('down', ['down', 'j'], lists, '', 'choose'),
  bind('left', ['left'], ['room'], '', 'choose', (m) => m.focus !== null),
  bind('right', ['right'], ['room'], '', 'choose', (m) => m.focus !== null),
  bind('page-up', ['pageup', 'ctrl+b', 'ctrl+u'], lists, '', 'a page up or down'),
  bind('page-down', ['pagedown', 'ctrl+f', 'ctrl+d'], lists, '', 'a page up or down'),
  bind('first', ['home', 'g'], lists, '', 'to the first, to the last'),
  bind('last', ['end', 'G'], lists, '', 'to the first, to the last'),
  bind('join', ['enter'], ['hallway'], 'join', 'enter the room, muted', (m) =>
    m.hallway.rows.some(({ room, isEnded }) => room.id === m.hallway.selectedId && !isEnded),
  ),
  bind(
    'act',
    ['enter'],
    ['room'],
    (m) => `act on ${focused(m)?.name ?? ''}`,
    'act on the chosen person',
    (m) => m.seat !== null && focused(m) !== undefined && personActions(m.seat, focused(m)!).length > 0,
  ),
  bind('choose', ['enter', 'space'], ['menu', 'devices', 'settings', 'events'], 'take', 'take what is chosen'),
  bind('new-room', ['n'], ['hallway'], 'new room', 'start a room of your own'),
  bind('search', ['/'], ['hallway'], 'search', 'find by title, topic or people'),
  bind('events', ['e'], ['hallway'], (m) => (m.hallway.events.length > 0 ? 'upcoming' : ''), 'sessions to come'),
  bind('same-topic', ['t'], ['hallway'], '', 'only this topic, or all', (m) => canNarrow(m, 'topic')),
  bind('same-language', ['l'], ['hallway'], '', 'only this language, or all', (m) => canNarrow(m, 'language')),
  bind('talk', ['t'], ['room'], 'hold to talk', 'heard while you hold it', (m) => microphone(m) === 'muted'),
  bind(
    'next-section',
    ['tab'],
    ['room'],
    (m) => (m.seat && isModerator(m.seat) && m.seat.hands.length > 0 ? 'hands' : ''),
    'to stage, hands, audience',
  ),
  bind('retry', ['r', 'enter'], ['offline'], 'retry now', 'try the server again at once'),
  bind('refresh', ['r'], ['hallway'], '', 'fetch rooms, newest first'),
  bind('rejoin', ['j'], ['ended'], 'join again', 'go back into the room', (m) => canRejoin(m)),
  bind(
    'hallway',
    ['enter', 'escape'],
    ['ended'],
    (m) => (m.isSingleRoom ? 'quit' : 'other rooms'),
    'back to the rooms',
  ),
  bind('step-down', ['s'], ['room'], 'step down', 'leave the stage only', (m) => m.seat !== null && !isListener(m)),
  bind('find', ['/'], ['room'], '', 'find somebody by name', (m) => m.seat !== null),
  bind('louder', ['+', '='], ['room'], '', 'all louder, quieter', (m) => m.seat !== null),
  bind('quieter', ['-'], ['room'], '', 'all louder, quieter', (m) => m.seat !== null),
  bind(
    'deafen',
    ['x'],
    ['room'],
    (m) => (m.seat?.you.isDeafened ? 'hear again' : ''),
    'hear nothing, hear again',
    (m) => m.seat !== null,
  ),
  bind('devices', ['d'], ['hallway', 'room'], '', 'microphone and speaker'),
  bind('settings', [','], ['hallway', 'room'], '', 'settings'),
  bind('rename', ['N'], ['hallway'], '', 'change your name', (m) => m.account !== null),
  bind('test-tone', ['t'], ['devices'], 'test tone', 'hear a tone on the speaker'),
  bind('try-microphone', ['m'], ['devices'], 'try microphone', 'see how loud it is; nobody hears it'),
  bind('loopback', ['l'], ['devices'], 'hear yourself', 'hear your own microphone'),
  bind('copy-link', ['c'], ['hallway', 'room'], '', "copy the room's link", hasLink),
  bind('open-link', ['o'], ['hallway', 'room'], '', "open the room's link elsewhere", hasLink),
  bind('leave', ['L'], ['room'], 'leave', 'leave the room'),
  bind(
    'end-room',
    ['E'],
    ['room'],
    '',
    'end the room for everyone',
    (m) => m.seat !== null && isModerator(m.seat) && m.seat.room.id !== null,
  ),
  bind(
    'back',
    ['escape'],
    [...overlays, 'sign-in', 'joining', 'room', 'hallway'],
    (m) => (m.overlay || m.screen === 'joining' || (m.screen === 'sign-in' && m.signIn.step !== 'phone') ? 'back' : ''),
    'one step back',
  ),
  bind('palette', [':', 'f2', 'ctrl+p'], ['hallway', 'room'], '', 'any command; a room by link'),
  bind('help', ['?', 'f1'], [...screens, 'help'], (m) => (m.overlay ? '' : 'keys'), 'this list'),
  bind('close-help', ['q', 'enter'], ['help'], '', 'close this list'),
  bind('quit', ['q'], screens, (m) => (m.screen === 'room' ? '' : 'quit'), 'quit; asks in a live room'),
  bind(
    'plain',
    ['ctrl+o'],
    ['offline', 'sign-in', 'hallway', 'room', 'ended'],
    '',
    'plain lines in its place',
    (m) => m.screen !== 'ended' || !m.isSingleRoom,
  ),
  bind('redraw', ['ctrl+l'], everywhere, '', 'draw the screen anew'),
  bind('suspend', ['ctrl+z'], everywhere, '', 'to the shell; fg returns'),
  bind('interrupt', ['ctrl+c'], everywhere, (m) => (m.screen === 'sign-in' ? 'quit' : ''), 'leave and quit at once'),
]

const canRejoin = ({ ended, isSingleRoom }: Model): boolean =>
  ended !== null &&
  ended.roomId !== null &&
  !isSingleRoom &&
  !['room-ended', 'kicked', 'not-allowed'].includes(ended.reason)
