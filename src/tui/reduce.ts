import { bindingFor, helpLines, placeOf } from './keys.ts'
import { type Happening, type Model, type Overlay, type Step, step } from './model.ts'
import { personActions, personById } from './people.ts'
import { reduceHallway, reduceHallwayKey } from './reduce-hallway.ts'
import { reduceRoom, reduceRoomKey } from './reduce-room.ts'
import { reduceSignIn, reduceSignInKey } from './reduce-sign-in.ts'
import { editText } from './text-edit.ts'

/** The one place where focus and screen change: values in, values out, with what is to be done. */
export const reduce = (model: Model, happening: Happening): Step => {
  switch (happening.type) {
    case 'key':
      return reduceKey({ ...model, notice: null }, happening.key)
    case 'resized':
      return step({ ...model, columns: happening.columns, rows: happening.rows }, { do: 'redraw' })
    case 'tick':
      return reduceTick({ ...model, nowMs: happening.nowMs })
    case 'signed-in':
    case 'sign-in-needed':
    case 'offline':
    case 'login-started':
    case 'login-code':
    case 'login-failed':
      return reduceSignIn(model, happening)
    case 'rooms':
    case 'rooms-failed':
    case 'hallway':
    case 'hallway-status':
      return reduceHallway(model, happening)
    case 'joined':
    case 'join-failed':
    case 'seat':
    case 'seat-event':
    case 'seat-closed':
    case 'failed':
      return reduceRoom(model, happening)
  }
}

/** Whether the screen shows seconds now; else the clock moves twice a minute and an idle screen stays still. */
export const countsSeconds = ({ screen, seat }: Model): boolean => {
  if (screen === 'offline') return true
  if (screen !== 'room' || !seat) return false
  return seat.connection.status === 'reconnecting' || seat.you.invitation !== null
}

const reduceTick = (model: Model): Step => {
  const { offline, screen, nowMs } = model
  if (screen !== 'offline' || !offline || nowMs < offline.retryAtMs) return step(model)
  return step({ ...model, offline: { ...offline, retryAtMs: Number.POSITIVE_INFINITY } }, { do: 'check-sign-in' })
}

const reduceKey = (model: Model, key: string): Step => {
  const action = bindingFor(model, key)?.action
  switch (action) {
    case 'interrupt':
      return step(
        model,
        model.screen === 'room' ? { do: 'leave-and-quit', exitCode: 130 } : { do: 'quit', exitCode: 130 },
      )
    case 'suspend':
      return step(model, { do: 'suspend' })
    case 'redraw':
      return step(model, { do: 'redraw' })
    case 'plain':
      return step(model, { do: 'swap-face' })
    case 'help':
      return step({ ...model, overlay: model.overlay ? null : { kind: 'help', offset: 0 } })
  }
  if (model.overlay) return reduceOverlayKey(model, model.overlay, key)
  switch (placeOf(model)) {
    case 'sign-in':
      return reduceSignInKey(model, key)
    case 'hallway':
    case 'joining':
      return reduceHallwayKey(model, action)
    case 'room':
    case 'ended':
      return reduceRoomKey(model, action)
    case 'offline':
      if (action === 'retry') return step(model, { do: 'check-sign-in' })
  }
  return action === 'quit' ? step(model, { do: 'quit', exitCode: 0 }) : step(model)
}

const reduceOverlayKey = (model: Model, overlay: Overlay, key: string): Step => {
  const closed = { ...model, overlay: null }
  if (overlay.kind === 'prompt') return reducePromptKey(model, overlay, key)
  if (key === 'escape') return step(closed)
  if (overlay.kind === 'help') return reduceHelpKey(model, overlay.offset, key)
  if (overlay.kind === 'confirm') {
    const choice = overlay.choices.find((candidate) => candidate.key === key)
    return choice ? step(closed, ...choice.does) : step(model)
  }
  const person = model.seat ? personById(model.seat, overlay.personId) : undefined
  if (!person || !model.seat) return step(closed)
  const chosen = personActions(model.seat, person).find((candidate) => candidate.key === key)
  if (!chosen) return step(model)
  // Volume keys are pressed several times in a row, so their menu stays.
  if (!chosen.confirm) return step(key === '+' || key === '-' ? model : closed, ...chosen.does)
  const choices = [{ key: 'y', label: chosen.label, does: chosen.does }]
  return step({ ...model, overlay: { kind: 'confirm', question: chosen.confirm, choices } })
}

const reduceHelpKey = (model: Model, offset: number, key: string): Step => {
  const by = { up: -1, down: 1, pageup: -10, pagedown: 10 }[key]
  if (by === undefined) return step(model)
  const last = helpLines(model.screen).length - 1
  return step({ ...model, overlay: { kind: 'help', offset: Math.min(last, Math.max(0, offset + by)) } })
}

const reducePromptKey = (model: Model, prompt: Extract<Overlay, { kind: 'prompt' }>, key: string): Step => {
  const closed = { ...model, overlay: null }
  if (key === 'escape') {
    if (prompt.purpose !== 'search') return step(closed)
    return step({ ...closed, hallway: { ...model.hallway, search: '' } }, { do: 'load-rooms', search: '' })
  }
  const text = prompt.text.trim()
  if (key === 'enter') {
    switch (prompt.purpose) {
      case 'search':
        return step(closed, { do: 'load-rooms', search: text })
      case 'question':
        return step(closed, { do: 'command', command: { verb: 'hand', ...(text ? { question: text } : {}) } })
      case 'title':
        if (text === '') return step(closed)
        return step({ ...closed, screen: 'joining', joiningTitle: text }, { do: 'create-room', title: text })
      case 'open':
        if (text === '') return step(closed)
        return step({ ...closed, screen: 'joining', joiningTitle: text }, { do: 'join', room: text })
    }
  }
  const edited = { ...prompt, text: editText(prompt.text, key, prompt.maxCharacters) }
  const hallway = prompt.purpose === 'search' ? { ...model.hallway, search: edited.text } : model.hallway
  return step({ ...model, overlay: edited, hallway })
}
