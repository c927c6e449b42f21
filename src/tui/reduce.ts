import { bindingFor, meantKey, placeOf } from './bindings.ts'
import { type ActionId, linkOf } from './keys.ts'
import { type Effect, type Happening, type Model, type Step, step } from './model.ts'
import { countsDown } from './playing.ts'
import { reduceHallway, reduceHallwayKey } from './reduce-hallway.ts'
import { openDevices, openSettings, reduceOverlayKey, reduceOverlayNews } from './reduce-overlay.ts'
import { reducePaletteKey } from './reduce-palette.ts'
import { reduceRoom, reduceRoomKey } from './reduce-room.ts'
import { reduceSignIn, reduceSignInKey } from './reduce-sign-in.ts'
import { beginTalking, endTalking, holdOn } from './reduce-talk.ts'

/** The one place where focus and screen change: values in, values out, with what is to be done. */
export const reduce = (model: Model, happening: Happening): Step => {
  switch (happening.type) {
    case 'key':
      return reduceKey({ ...model, notice: null }, happening)
    case 'released':
      return model.talking?.key === happening.key ? endTalking(model) : step(model)
    case 'let-go':
    case 'blurred':
      return endTalking(model)
    case 'kitty':
      return step({ ...model, tellsReleases: true })
    case 'background':
      return step({ ...model, background: happening.lightness > 0.5 ? 'light' : 'dark' })
    case 'resized':
      return step({ ...model, columns: happening.columns, rows: happening.rows }, { do: 'redraw' })
    case 'tick':
      return reduceTick({ ...model, nowMs: happening.nowMs })
    case 'account':
      return step({ ...model, account: happening.account })
    case 'devices':
    case 'trial':
    case 'settings':
      return reduceOverlayNews(model, happening)
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
    case 'events':
      return reduceHallway(model, happening)
    case 'joined':
    case 'join-failed':
    case 'seat':
    case 'seat-event':
    case 'seat-closed':
    case 'failed':
    case 'told':
      return reduceRoom(model, happening)
  }
}

/** Whether the screen shows seconds now; else the clock moves twice a minute and an idle screen stays still. */
export const countsSeconds = ({ screen, seat, nowMs }: Model): boolean => {
  if (screen === 'offline') return true
  if (screen !== 'room' || !seat) return false
  return (
    ['reconnecting', 'unresponsive'].includes(seat.connection.status) ||
    seat.you.invitation !== null ||
    countsDown(seat.room.playing, nowMs)
  )
}

/** Whoever gives the keyboard away hears no release any more: the microphone closes first. */
const lettingGo = (model: Model, effect: Effect): Step => {
  const { model: next, effects } = endTalking(model)
  return step(next, ...effects, effect)
}

const reduceTick = (model: Model): Step => {
  const { offline, screen, nowMs } = model
  if (screen !== 'offline' || !offline || nowMs < offline.retryAtMs) return step(model)
  return step({ ...model, offline: { ...offline, retryAtMs: Number.POSITIVE_INFINITY } }, { do: 'check-sign-in' })
}

const reduceKey = (model: Model, { key: pressed, base, isRepeat }: Extract<Happening, { type: 'key' }>): Step => {
  if (model.talking?.key === pressed) return holdOn(model)
  const key = meantKey(model, pressed, base)
  const action = bindingFor(model, key)?.action
  if (action === 'talk') return isRepeat ? step(model) : beginTalking(model, pressed)
  const done = reduceEverywhere(model, action)
  if (done) return done
  if (model.overlay?.kind === 'palette') return reducePaletteKey(model, model.overlay, key, act)
  if (model.overlay) return reduceOverlayKey(model, model.overlay, key, action)
  if (placeOf(model) === 'sign-in') return reduceSignInKey(model, key)
  return act(model, action)
}

/** What a key or a line of the palette does on the screen that is there. */
const act = (model: Model, action: ActionId | undefined): Step => {
  const done = reduceEverywhere(model, action)
  if (done) return done
  switch (model.screen) {
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

const reduceEverywhere = (model: Model, action: ActionId | undefined): Step | undefined => {
  switch (action) {
    case 'interrupt':
      return step(
        model,
        model.screen === 'room' ? { do: 'leave-and-quit', exitCode: 130 } : { do: 'quit', exitCode: 130 },
      )
    case 'suspend':
      return lettingGo(model, { do: 'suspend' })
    case 'redraw':
      return step(model, { do: 'redraw' })
    case 'plain':
      return lettingGo(model, { do: 'swap-face' })
    case 'help':
      return step({ ...model, overlay: model.overlay ? null : { kind: 'help', page: 0 } })
    case 'palette':
      return step({ ...model, overlay: { kind: 'palette', text: '', index: 0 } })
    case 'devices':
      return openDevices(model)
    case 'settings':
      return openSettings(model)
    case 'copy-link':
    case 'open-link': {
      const link = linkOf(model)
      if (link === undefined) return step(model)
      return step(model, action === 'copy-link' ? { do: 'copy', text: link } : { do: 'open', url: link })
    }
    default:
      return undefined
  }
}
