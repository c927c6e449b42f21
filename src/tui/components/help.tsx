import { Box } from 'ink'
import { helpLines } from '../bindings.ts'
import type { KeyBinding, Place } from '../keys.ts'
import { Say } from '../theme.tsx'

/** All keys of a screen, from the key table; scrolls where they do not fit. */
export const Help = ({ table, place, columns, height, offset }: HelpProps) => {
  const lines = helpLines(table, place)
  const across = columns >= 76 && lines.length > height - 1 ? 2 : 1
  const perColumn = Math.max(1, Math.min(height - 1, Math.ceil(lines.length / across)))
  const first = Math.min(offset, Math.max(0, lines.length - perColumn * across))
  const shown = lines.slice(first, first + perColumn * across)
  const hidden = lines.length - first - shown.length
  return (
    <Box flexDirection="column" paddingX={1} height={height} overflow="hidden">
      <Say tone="strong">{hidden > 0 || first > 0 ? `Keys · ↑↓ for the rest` : 'Keys'}</Say>
      <Box gap={2}>
        {Array.from({ length: across }, (_, column) => shown.slice(column * perColumn, (column + 1) * perColumn)).map(
          (part) => (
            <Box key={part[0]?.keys ?? 'none'} flexDirection="column" flexGrow={1} flexBasis={0} overflow="hidden">
              {part.map((line) => (
                <Box key={line.keys + line.help} height={1} gap={1} flexShrink={0}>
                  <Box width={16} flexShrink={0} paddingRight={1}>
                    <Say tone="accent">{line.keys}</Say>
                  </Box>
                  <Say>{line.help}</Say>
                </Box>
              ))}
            </Box>
          ),
        )}
      </Box>
    </Box>
  )
}

type HelpProps = { table: KeyBinding[]; place: Place; columns: number; height: number; offset: number }
