import { type ActionId, type KeyBinding, keyTable, type Place } from './keys.ts'
import type { Model } from './model.ts'

export const placeOf = (model: Model): Place => model.overlay?.kind ?? model.screen

/** The binding that a key has now, or undefined. */
export const bindingFor = (model: Model, key: string): KeyBinding | undefined =>
  possibleBindings(model).find(({ keys }) => keys.includes(key))

/** Of a key and its place on a Latin keyboard the one that means something on this screen. */
export const meantKey = (model: Model, key: string, base: string | undefined): string => {
  const place = placeOf(model)
  if (base === undefined || place === 'sign-in' || place === 'prompt' || place === 'palette') return key
  return model.keyTable.some(({ keys, places }) => places.includes(place) && keys.includes(key)) ? key : base
}

/** What can be done now. */
const possibleBindings = (model: Model): KeyBinding[] => {
  const place = placeOf(model)
  return model.keyTable.filter(({ places, isPossible }) => places.includes(place) && isPossible(model))
}

/** What works now, most wanted first: the bottom line. The ways out and to the help are kept at any width. */
export const possibleKeys = (model: Model): { keys: string; label: string; isKept: boolean }[] =>
  possibleBindings(model)
    .map((binding) => ({ keys: shownKeys(binding), label: binding.label(model), isKept: isKept(binding) }))
    .filter(({ label }) => label !== '')

const isKept = ({ action }: KeyBinding) => action === 'leave' || action === 'help'

/** The key to press for it, as people read it; the first where there are several. */
export const keyFor = (table: KeyBinding[], action: ActionId): string =>
  keySymbol(table.find((binding) => binding.action === action)!.keys[0]!)

/** Everything a screen's keys can do, possible now or not. */
export const helpLines = (table: KeyBinding[], place: Place): { keys: string[]; help: string }[] => {
  const lines = new Map<string, string[]>()
  for (const binding of table.filter(({ places }) => places.includes(place))) {
    const keys = binding.keys.map(keySymbol)
    lines.set(binding.help, [...new Set([...(lines.get(binding.help) ?? []), ...keys])])
  }
  return [...lines].map(([help, keys]) => ({ keys, help }))
}

export type PaletteItem = { action: ActionId; text: string; keys: string } | { join: string }

/** What the palette offers for the typed text: commands of the screen below, by words of theirs, then a room to open. */
export const paletteItems = (model: Model, text: string): PaletteItem[] => {
  const below = { ...model, overlay: null }
  const wanted = text.trim().toLowerCase()
  const seen = new Set<string>()
  const commands = possibleBindings(below).flatMap((binding): PaletteItem[] => {
    const { action, help } = binding
    if (notCommands.includes(action) || seen.has(action)) return []
    seen.add(action)
    // The label says what the key would do now.
    const label = binding.label(below)
    const isShared = model.keyTable.some((other) => other.help === help && other.action !== action)
    const title = isShared ? action.replaceAll('-', ' ') : label
    const words = title === '' || (help.includes(title) && !isShared) ? help : `${title}: ${help}`
    const isWanted = wanted.split(/\s+/).every((word) => `${action} ${words}`.toLowerCase().includes(word))
    return isWanted ? [{ action, text: words, keys: binding.keys.map(keySymbol).join(' ') }] : []
  })
  return wanted === '' || model.screen !== 'hallway' ? commands : [...commands, { join: text.trim() }]
}

/** Moving about is no command. */
const notCommands: ActionId[] = [
  'up',
  'down',
  'left',
  'right',
  'page-up',
  'page-down',
  'first',
  'last',
  'back',
  'palette',
  'submit',
  'talk',
]

const symbols: Record<string, string> = {
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
  enter: '⏎',
  escape: 'esc',
  pageup: 'pg↑',
  pagedown: 'pg↓',
}

/** A key as people read it. */
const keySymbol = (key: string): string =>
  symbols[key] ?? (/^ctrl\+.$/.test(key) ? `^${key.slice(5).toUpperCase()}` : key)

/** The first key of a binding; all of them are in the help. */
const shownKeys = ({ action, keys }: KeyBinding): string =>
  action === 'up' && keys[0] === 'up' ? '↑↓' : keySymbol(keys[0]!)

const named = [
  'up down left right home end pageup pagedown insert delete enter escape tab shift+tab backspace space'.split(' '),
  Array.from({ length: 12 }, (_, index) => `f${index + 1}`),
].flat()

const isKey = (key: string): boolean => {
  const plain = key.replace(/^(ctrl\+|alt\+)/, '')
  return named.includes(plain) || ([...plain].length === 1 && plain > ' ')
}

/**
 * The table with the keys of a file in place of its own: `{ hand: 'H', 'toggle-mute': ['space', 'm'] }`. What is wrong with
 * the file is one sentence, and then the table is as it was.
 */
export const rebind = (wanted: unknown): { table: KeyBinding[]; problem?: string } => {
  const refused = (problem: string) => ({ table: keyTable, problem: `${problem}; the keys are as usual` })
  if (wanted === null || wanted === undefined) return { table: keyTable }
  if (typeof wanted !== 'object' || Array.isArray(wanted)) return refused('it must hold lines such as "hand: h"')
  const given = new Map<string, string[]>()
  for (const [action, value] of Object.entries(wanted)) {
    if (!keyTable.some((binding) => binding.action === action)) return refused(`there is no action "${action}"`)
    const keys = (Array.isArray(value) ? value : [value]).map(String)
    const unknown = keys.find((key) => !isKey(key))
    if (unknown !== undefined || keys.length === 0) return refused(`"${unknown ?? ''}" for ${action} is no key`)
    given.set(action, keys)
  }
  const table = keyTable.map((binding) => ({ ...binding, keys: given.get(binding.action) ?? binding.keys }))
  const clash = newClash(table)
  if (clash) return refused(`"${clash.key}" would be both ${clash.actions.join(' and ')}`)
  if (!table.some(({ action, keys }) => action === 'interrupt' && keys.includes('ctrl+c')))
    return refused('ctrl+c must stay the way out')
  return { table }
}

/** Two actions on one key in one place, where the usual table has none: some share a key as only one is possible at a time. */
const newClash = (table: KeyBinding[]) => {
  for (const [index, one] of table.entries())
    for (const [otherIndex, other] of table.entries()) {
      if (otherIndex <= index || one.action === other.action) continue
      const key = one.keys.find((each) => other.keys.includes(each))
      if (key === undefined || !one.places.some((place) => other.places.includes(place))) continue
      const usual = keyTable[index]!.keys.some((each) => keyTable[otherIndex]!.keys.includes(each))
      if (!usual) return { key, actions: [one.action, other.action] }
    }
  return undefined
}

/** The table as a file to begin with: every action with its keys and what it does. */
export const keyFileText = (table: KeyBinding[]): string => {
  const lines = new Map<string, string>()
  for (const { action, keys, help } of table)
    if (!lines.has(action))
      lines.set(action, `# ${help}\n${action}: [${keys.map((key) => JSON.stringify(key)).join(', ')}]`)
  return `${[...lines.values()].join('\n')}\n`
}
