import type { Model } from './model.ts'
import { isModerator, personActions, personById } from './people.ts'

/** Where a key counts. An open overlay takes all keys but the global ones. */
export type Place = Model['screen'] | 'help' | 'menu' | 'confirm' | 'prompt'

export type ActionId =
  | 'interrupt'
  | 'suspend'
  | 'redraw'
  | 'plain'
  | 'help'
  | 'quit'
  | 'back'
  | 'submit'
  | 'up'
  | 'down'
  | 'page-up'
  | 'page-down'
  | 'next-section'
  | 'join'
  | 'search'
  | 'new-room'
  | 'open-room'
  | 'refresh'
  | 'retry'
  | 'accept'
  | 'decline'
  | 'toggle-mute'
  | 'hand'
  | 'lower-hand'
  | 'act'
  | 'louder'
  | 'quieter'
  | 'deafen'
  | 'step-down'
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

export const placeOf = (model: Model): Place => model.overlay?.kind ?? model.screen

/** The binding that a key has now, or undefined. */
export const bindingFor = (model: Model, key: string): KeyBinding | undefined => {
  const place = placeOf(model)
  return keyTable.find(
    (binding) => binding.keys.includes(key) && binding.places.includes(place) && binding.isPossible(model),
  )
}

/** What works now, most wanted first: the bottom line. The ways out and to the help are kept at any width. */
export const possibleKeys = (model: Model): { keys: string; label: string; isKept: boolean }[] => {
  const place = placeOf(model)
  return keyTable
    .filter((binding) => binding.places.includes(place) && binding.isPossible(model))
    .map((binding) => ({ keys: shownKeys(binding), label: binding.label(model), isKept: isKept(binding) }))
    .filter(({ label }) => label !== '')
}

const isKept = ({ action }: KeyBinding) => action === 'leave' || action === 'help'

/** Everything a screen's keys can do, possible now or not. */
export const helpLines = (place: Place): { keys: string; help: string }[] => {
  const lines = new Map<string, string[]>()
  for (const binding of keyTable.filter(({ places }) => places.includes(place))) {
    const keys = binding.keys.map(keySymbol)
    lines.set(binding.help, [...new Set([...(lines.get(binding.help) ?? []), ...keys])])
  }
  return [...lines].map(([help, keys]) => ({ keys: keys.join(' '), help }))
}

const symbols: Record<string, string> = {
  up: '↑',
  down: '↓',
  enter: '⏎',
  escape: 'esc',
  pageup: 'pg↑',
  pagedown: 'pg↓',
  'ctrl+c': '^C',
  'ctrl+l': '^L',
  'ctrl+t': '^T',
  'ctrl+z': '^Z',
}

/** A key as people read it. */
const keySymbol = (key: string): string => symbols[key] ?? key

/** The first key of a binding; all of them are in the help. */
const shownKeys = ({ action, keys }: KeyBinding): string => (action === 'up' ? '↑↓' : keySymbol(keys[0]!))

const always = () => true
const screens: Place[] = ['starting', 'offline', 'hallway', 'joining', 'room', 'ended']
const everywhere: Place[] = [...screens, 'sign-in', 'help', 'menu', 'confirm', 'prompt']

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

/** All keys, in the order of the bottom line. Help, the bottom line and the reducer read this one table. */
export const keyTable: KeyBinding[] = [
  bind('submit', ['enter'], ['sign-in', 'prompt'], 'go on', 'take what is typed'),
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
    ['up'],
    ['hallway', 'room'],
    'choose',
    'choose a room or a person',
    (m) => m.screen === 'room' || m.hallway.rows.length > 1,
  ),
  bind('down', ['down'], ['hallway', 'room'], '', 'choose a room or a person'),
  bind('page-up', ['pageup'], ['hallway', 'room'], '', 'choose a room or a person'),
  bind('page-down', ['pagedown'], ['hallway', 'room'], '', 'choose a room or a person'),
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
  bind('new-room', ['n'], ['hallway'], 'new room', 'start a room of your own'),
  bind('search', ['/'], ['hallway'], 'search', 'find by title or people'),
  bind('open-room', [':'], ['hallway'], 'open link', 'open by link, id or title'),
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
  bind('louder', ['+', '='], ['room'], '', 'all louder, quieter', (m) => m.seat !== null),
  bind('quieter', ['-'], ['room'], '', 'all louder, quieter', (m) => m.seat !== null),
  bind(
    'deafen',
    ['d'],
    ['room'],
    (m) => (m.seat?.you.isDeafened ? 'hear again' : ''),
    'hear nothing, hear again',
    (m) => m.seat !== null,
  ),
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
    ['help', 'menu', 'confirm', 'prompt', 'sign-in', 'joining', 'room', 'hallway'],
    (m) => (m.overlay || m.screen === 'joining' || (m.screen === 'sign-in' && m.signIn.step !== 'phone') ? 'back' : ''),
    'one step back',
  ),
  bind('help', ['?'], screens, 'keys', 'this list'),
  bind('help', ['?', 'q', 'enter'], ['help'], '', 'close this list'),
  bind('quit', ['q'], screens, (m) => (m.screen === 'room' ? '' : 'quit'), 'quit; asks in a live room'),
  bind(
    'plain',
    ['ctrl+t'],
    ['offline', 'sign-in', 'hallway', 'room', 'ended'],
    '',
    'plain lines; there `screen` comes back',
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
