import { Box } from 'ink'
import { cleanLine } from '../../protocol/text.ts'
import { possibleKeys } from '../bindings.ts'
import type { Model } from '../model.ts'
import { personActions, personById } from '../people.ts'
import { Say } from '../theme.tsx'
import { widthOf } from '../width.ts'

type ShownKey = { keys: string; label: string; isKept?: boolean }

/** The bottom line: what works now, as much of it as fits; the way out and to the rest come last and always fit. */
export const KeyBar = ({ model }: { model: Model }) => {
  const shown = fit(offered(model), model.columns - 2)
  return (
    <Box height={1} flexShrink={0} gap={2} paddingLeft={1} overflow="hidden">
      {shown.map(({ keys, label }) => (
        <Box key={keys + label} flexShrink={0} gap={1}>
          <Say tone="accent">{keys}</Say>
          {label === '' ? null : <Say tone="dim">{label}</Say>}
        </Box>
      ))}
    </Box>
  )
}

const offered = (model: Model): ShownKey[] => {
  const { overlay, seat } = model
  const keys = possibleKeys(model).map((key) => ({ ...key, label: cleanLine(key.label) }))
  // On a narrow terminal they are listed below the question.
  const isListed = model.columns < 70 && model.rows >= 12
  if (overlay?.kind === 'confirm' && !isListed)
    return [...overlay.choices.map((choice) => ({ keys: choice.key, label: choice.label })), ...keys]
  const person = overlay?.kind === 'menu' && seat ? personById(seat, overlay.personId) : undefined
  // The menu itself lists its keys wherever there is room for it.
  if (!person || !seat || model.rows >= 8) return keys
  return [...personActions(seat, person).map((action) => ({ keys: action.key, label: action.label })), ...keys]
}

const fit = (keys: ShownKey[], columns: number): ShownKey[] => {
  const kept = keys.filter(({ isKept }) => isKept)
  const others = keys.filter(({ isKept }) => !isKept)
  const lengthOf = ({ keys: symbol, label }: ShownKey) => widthOf(symbol) + (label ? 1 + widthOf(label) : 0) + 2
  let left = columns - kept.reduce((sum, key) => sum + lengthOf(key), 0)
  const shown = others.filter((key) => {
    left -= lengthOf(key)
    return left >= -2
  })
  return [...shown, ...kept]
}
