import { Box } from 'ink'
import type { Overlay } from '../model.ts'
import { Quote, Say } from '../theme.tsx'
import { Choice } from './palette.tsx'

type SettingsProps = { settings: Extract<Overlay, { kind: 'settings' }>; rows: number }

/** What is remembered; Enter takes the next value. */
export const Settings = ({ settings: { items, index }, rows }: SettingsProps) => {
  const fits = Math.max(1, rows - 1)
  const first = Math.max(0, Math.min(index - fits + 1, (items?.length ?? 0) - fits))
  return (
    <Box flexDirection="column" height={rows} overflow="hidden" paddingRight={1}>
      <Box paddingLeft={1} height={1} flexShrink={0}>
        <Say tone="strong">Settings</Say>
      </Box>
      {items?.slice(first, first + fits).map((item, row) => (
        <Choice key={item.key} isChosen={first + row === index}>
          <Quote text={item.label} />
          <Box flexShrink={0}>
            <Quote tone="strong" text={item.value} />
          </Box>
        </Choice>
      ))}
    </Box>
  )
}
