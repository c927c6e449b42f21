import { paletteItems } from './bindings.ts'
import type { ActionId } from './keys.ts'
import { type Model, type Overlay, type Step, step } from './model.ts'
import { editText } from './text-edit.ts'

/** What is typed narrows the list; Enter does what is chosen, as its key would have. */
export const reducePaletteKey = (
  model: Model,
  palette: Extract<Overlay, { kind: 'palette' }>,
  key: string,
  act: (model: Model, action: ActionId) => Step,
): Step => {
  const closed = { ...model, overlay: null }
  const items = paletteItems(model, palette.text)
  const by = { up: -1, down: 1, pageup: -8, pagedown: 8, 'shift+tab': -1, tab: 1 }[key]
  if (by !== undefined) {
    const index = Math.max(0, Math.min(items.length - 1, palette.index + by))
    return step({ ...model, overlay: { ...palette, index } })
  }
  if (key === 'escape') return step(closed)
  if (key === 'enter') {
    const chosen = items[palette.index]
    if (chosen === undefined) return step(model)
    if ('join' in chosen)
      return step({ ...closed, screen: 'joining', joiningTitle: chosen.join }, { do: 'join', room: chosen.join })
    return act(closed, chosen.action)
  }
  return step({ ...model, overlay: { ...palette, text: editText(palette.text, key, 300), index: 0 } })
}
