import { Box } from 'ink'
import type { ReactNode } from 'react'
import { Say } from '../theme.tsx'

export const Frame = ({ columns, rows, children }: { columns: number; rows: number; children: ReactNode }) => (
  <Box flexDirection="column" width={Math.max(1, columns)} height={Math.max(1, rows)} overflow="hidden">
    {children}
  </Box>
)

/** One row: `left` gives way to `right`. */
export const Row = ({ left, right }: { left: ReactNode; right?: ReactNode }) => (
  <Box height={1} flexShrink={0} flexGrow={1} justifyContent="space-between" gap={2}>
    <Box flexShrink={1} flexGrow={1} overflow="hidden">
      {left}
    </Box>
    {right ? <Box flexShrink={0}>{right}</Box> : null}
  </Box>
)

export const Rule = ({ columns }: { columns: number }) => (
  <Box height={1} flexShrink={0}>
    <Say tone="dim">{'─'.repeat(Math.max(1, columns))}</Say>
  </Box>
)

/** Whatever height is left between the fixed rows. */
export const Body = ({ height, children }: { height: number; children: ReactNode }) => (
  <Box flexDirection="column" height={Math.max(0, height)} flexShrink={0} overflow="hidden">
    {children}
  </Box>
)
