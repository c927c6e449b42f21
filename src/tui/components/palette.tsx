import { Box } from 'ink'
import { paletteItems } from '../bindings.ts'
import type { Model, Overlay } from '../model.ts'
import { Quote, Say } from '../theme.tsx'
import { Typing } from './message-area.tsx'

type PaletteProps = { model: Model; palette: Extract<Overlay, { kind: 'palette' }>; rows: number }

/** All that can be done now, by name; in the hallway also a room by its link, id or title. */
export const Palette = ({ model, palette, rows }: PaletteProps) => {
  const items = paletteItems(model, palette.text)
  const fits = Math.max(1, rows - 1)
  const first = Math.max(0, Math.min(palette.index - fits + 1, items.length - fits))
  return (
    <Box flexDirection="column" height={rows} overflow="hidden" paddingRight={1}>
      <Box paddingLeft={1} height={1} flexShrink={0}>
        <Typing label=":" text={palette.text} />
      </Box>
      {items.slice(first, first + fits).map((item, index) => (
        <Choice key={'join' in item ? 'join' : item.action} isChosen={first + index === palette.index}>
          <Quote text={'join' in item ? `open “${item.join}”` : item.text} />
          {'keys' in item ? (
            <Box flexShrink={0}>
              <Say tone="dim">{item.keys}</Say>
            </Box>
          ) : null}
        </Choice>
      ))}
      {items.length === 0 ? <Choice isChosen={false}>{[<Say key="none">nothing is called so</Say>]}</Choice> : null}
    </Box>
  )
}

/** A row that can be chosen: the mark, then what stands in it, the last at the right. */
export const Choice = ({ isChosen, children }: { isChosen: boolean; children: React.ReactNode }) => (
  <Box height={1} flexShrink={0} gap={1} paddingLeft={1}>
    <Box width={1} flexShrink={0}>
      <Say tone="accent">{isChosen ? '▌' : ' '}</Say>
    </Box>
    <Box flexGrow={1} flexShrink={1} justifyContent="space-between" gap={2} overflow="hidden">
      {children}
    </Box>
  </Box>
)
