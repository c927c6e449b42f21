import type { ActionId } from './keys.ts'
import { helpLayout } from './layout.ts'
import {
  type Effect,
  type Happening,
  type Model,
  type Overlay,
  type SettingItem,
  type Step,
  step,
  type TrialKind,
} from './model.ts'
import { type PersonAction, personActions, personById, personNamed } from './people.ts'
import { loadRooms } from './reduce-hallway.ts'
import { editText } from './text-edit.ts'
import { dayAndTime, upcomingAt } from './upcoming.ts'

export const openDevices = (model: Model): Step =>
  step(
    { ...model, overlay: { kind: 'devices', choices: null, problem: null, index: 0, trial: null } },
    { do: 'load-devices' },
  )

export const openSettings = (model: Model): Step =>
  step({ ...model, overlay: { kind: 'settings', items: null, index: 0 } }, { do: 'load-settings' })

/** What was asked for an overlay that is still open. */
export const reduceOverlayNews = (
  model: Model,
  news: Extract<Happening, { type: 'devices' | 'trial' | 'settings' }>,
): Step => {
  const { overlay } = model
  if (news.type === 'settings') return step(takeSettings(model, news.items))
  if (overlay?.kind !== 'devices') return step(model)
  if (news.type === 'trial') return step({ ...model, overlay: { ...overlay, trial: news.trial } })
  const { choices, problem } = news
  const chosen = choices.findIndex(({ isInUse }) => isInUse)
  const index = overlay.choices === null ? Math.max(0, chosen) : Math.min(overlay.index, choices.length - 1)
  return step({ ...model, overlay: { ...overlay, choices, problem, index } })
}

/** The theme counts at once. */
const takeSettings = (model: Model, items: SettingItem[]): Model => {
  const { overlay } = model
  const theme = items.find(({ key }) => key === 'theme')?.value
  const themed = { ...model, theme: theme === 'dark' || theme === 'light' ? theme : 'auto' } as const
  return overlay?.kind === 'settings' ? { ...themed, overlay: { ...overlay, items } } : themed
}

export const reduceOverlayKey = (model: Model, overlay: Overlay, key: string, action: ActionId | undefined): Step => {
  switch (overlay.kind) {
    case 'prompt':
      return reducePromptKey(model, overlay, key)
    case 'confirm':
      return reduceConfirmKey(model, overlay, key, action)
    case 'menu':
      return reduceMenuKey(model, overlay, key, action)
    case 'help':
      return reduceHelpKey(model, overlay, action)
    case 'devices':
      return reduceDevicesKey(model, overlay, action)
    case 'settings':
      return reduceSettingsKey(model, overlay, action)
    case 'events':
      return reduceEventsKey(model, overlay, action)
    case 'palette':
      return step(model)
  }
}

type Open<K extends Overlay['kind']> = Extract<Overlay, { kind: K }>

const close = (model: Model): Model => ({ ...model, overlay: null })

const moved = (action: ActionId | undefined, index: number, count: number): number | undefined => {
  const by = moves[action ?? '']
  return by === undefined ? undefined : Math.max(0, Math.min(count - 1, index + by))
}
const moves: Record<string, number> = {
  up: -1,
  down: 1,
  'page-up': -10,
  'page-down': 10,
  first: Number.NEGATIVE_INFINITY,
  last: Number.POSITIVE_INFINITY,
}

const reduceConfirmKey = (model: Model, { choices }: Open<'confirm'>, key: string, action?: ActionId): Step => {
  if (action === 'back') return step(close(model))
  const choice = choices.find((candidate) => candidate.key === key)
  return choice ? step(close(model), ...choice.does) : step(model)
}

const reduceMenuKey = (model: Model, menu: Open<'menu'>, key: string, action: ActionId | undefined): Step => {
  const person = model.seat ? personById(model.seat, menu.personId) : undefined
  if (action === 'back' || !person || !model.seat) return step(close(model))
  const actions = personActions(model.seat, person)
  const byKey = actions.find((candidate) => candidate.key === key)
  if (byKey) return take(model, byKey)
  const index = moved(action, menu.index, actions.length)
  if (index !== undefined) return step({ ...model, overlay: { ...menu, index } })
  const chosen = actions[menu.index]
  return action === 'choose' && chosen ? take(model, chosen) : step(model)
}

const take = (model: Model, chosen: PersonAction): Step => {
  const [effect] = chosen.does
  if (chosen.asks && effect?.do === 'program') return step(askWords(model, chosen.asks, effect))
  // Volume keys are pressed several times in a row, so their menu stays.
  if (!chosen.confirm) return step('+-'.includes(chosen.key) ? model : close(model), ...chosen.does)
  const choices = [{ key: 'y', label: chosen.label, does: chosen.does }]
  return step({ ...model, overlay: { kind: 'confirm', question: chosen.confirm, choices } })
}

const askWords = (
  model: Model,
  { verb, label }: NonNullable<PersonAction['asks']>,
  { who, name }: Extract<Effect, { do: 'program' }>,
): Model => ({
  ...model,
  overlay: {
    ...{ kind: 'prompt', purpose: 'program', text: '', maxCharacters: 80 },
    label: `${name}: ${label}`,
    program: { who, name, verb },
  },
})

const reduceHelpKey = (model: Model, { page }: Open<'help'>, action: ActionId | undefined): Step => {
  if (action === 'back' || action === 'close-help') return step(close(model))
  const turns: Partial<Record<ActionId, ActionId>> = { 'page-up': 'up', 'page-down': 'down' }
  const next = moved((action && turns[action]) ?? action, page, helpLayout(model).pages)
  return next === undefined ? step(model) : step({ ...model, overlay: { kind: 'help', page: next } })
}

const trials: Partial<Record<ActionId, TrialKind>> = {
  'test-tone': 'tone',
  'try-microphone': 'microphone',
  loopback: 'loopback',
}

const reduceDevicesKey = (model: Model, devices: Open<'devices'>, action: ActionId | undefined): Step => {
  if (action === 'back') return step(close(model), { do: 'stop-trial' })
  const { choices, index, trial } = devices
  const next = moved(action, index, choices?.length ?? 0)
  if (next !== undefined) return step({ ...model, overlay: { ...devices, index: Math.max(0, next) } })
  const what = action && trials[action]
  if (what)
    return step(model, { do: 'stop-trial' }, ...(trial?.what === what ? [] : [{ do: 'try-device', what } as const]))
  const chosen = choices?.[index]
  if (action !== 'choose' || !chosen) return step(model)
  return step(model, { do: 'stop-trial' }, { do: 'use-device', kind: chosen.kind, name: chosen.name })
}

const reduceSettingsKey = (model: Model, settings: Open<'settings'>, action: ActionId | undefined): Step => {
  if (action === 'back') return step(close(model))
  const { items, index } = settings
  const next = moved(action, index, items?.length ?? 0)
  if (next !== undefined) return step({ ...model, overlay: { ...settings, index: Math.max(0, next) } })
  const item = items?.[index]
  if (action !== 'choose' || !item) return step(model)
  const value = item.values[(item.values.indexOf(item.value) + 1) % item.values.length]
  return value === undefined ? step(model) : step(model, { do: 'set', key: item.key, value })
}

const reduceEventsKey = (model: Model, { index }: Open<'events'>, action: ActionId | undefined): Step => {
  if (action === 'back') return step(close(model))
  const events = upcomingAt(model.hallway.events, model.nowMs)
  const next = moved(action, index, events.length)
  if (next !== undefined) return step({ ...model, overlay: { kind: 'events', index: Math.max(0, next) } })
  const chosen = events[index]
  if (action !== 'choose' || !chosen) return step(model)
  if (chosen.room?.isLive)
    return step(
      { ...close(model), screen: 'joining', joiningTitle: chosen.title },
      { do: 'join', room: chosen.room.id },
    )
  const text = `${chosen.title} opens at ${dayAndTime(chosen.opensAt, model.nowMs)}.`
  return step({ ...model, notice: { text, isError: false } })
}

const reducePromptKey = (model: Model, prompt: Open<'prompt'>, key: string): Step => {
  const closed = close(model)
  if (key === 'escape') {
    if (prompt.purpose !== 'search') return step(closed)
    const all = { ...model.hallway, search: '' }
    return step({ ...closed, hallway: all }, loadRooms(all))
  }
  if (key === 'enter') return submitPrompt(closed, prompt, prompt.text.trim())
  const edited = { ...prompt, text: editText(prompt.text, key, prompt.maxCharacters) }
  const typing = { ...model, overlay: edited }
  if (prompt.purpose === 'search') return step({ ...typing, hallway: { ...model.hallway, search: edited.text } })
  if (prompt.purpose === 'find' && model.seat)
    return step({ ...typing, focus: personNamed(model.seat, edited.text) ?? model.focus })
  return step(typing)
}

const submitPrompt = (closed: Model, { purpose, program }: Open<'prompt'>, text: string): Step => {
  switch (purpose) {
    case 'search':
      return step(closed, loadRooms({ ...closed.hallway, search: text }))
    case 'question':
      return step(closed, { do: 'command', command: { verb: 'hand', ...(text ? { question: text } : {}) } })
    case 'title':
      if (text === '') return step(closed)
      return step({ ...closed, screen: 'joining', joiningTitle: text }, { do: 'create-room', title: text })
    case 'name':
      return text === '' ? step(closed) : step(closed, { do: 'rename', name: text })
    case 'program': {
      if (text === '' || !program) return step(closed)
      const { who, name, verb } = program
      return step(closed, { do: 'program', who, name, words: `${verb} ${text}` })
    }
    case 'find':
      return step(closed)
  }
}
