import { Box } from 'ink'
import { helpLayout } from '../layout.ts'
import type { Model } from '../model.ts'
import { Say } from '../theme.tsx'

/** All keys of a screen, from the key table; in pages where they do not fit. */
export const Help = ({ model, page, rows }: { model: Model; page: number; rows: number }) => {
  const { lines, across, keyColumns, perColumn, pages } = helpLayout(model)
  const at = Math.min(page, pages - 1)
  const columns = Array.from({ length: across }, (_, column) => {
    const first = (at * across + column) * perColumn
    return lines.slice(first, first + perColumn)
  })
  return (
    <Box flexDirection="column" paddingX={1} height={rows} overflow="hidden">
      <Say tone="strong">{pages > 1 ? `Keys, page ${at + 1} of ${pages} · ↑↓` : 'Keys'}</Say>
      <Box gap={2}>
        {columns.map((part) => (
          <Box key={part[0]?.help ?? 'none'} flexDirection="column" flexGrow={1} flexBasis={0} overflow="hidden">
            {part.map(({ keys, help }) => (
              <Box key={help} height={1} gap={2} flexShrink={0}>
                <Box width={keyColumns} flexShrink={0}>
                  <Say tone="accent">{keys}</Say>
                </Box>
                <Say>{help}</Say>
              </Box>
            ))}
          </Box>
        ))}
      </Box>
    </Box>
  )
}
