import { sizeOf } from './terminal.ts'

export type Screen = {
  /** Shows the lines, from the top; writes only those that changed, each at its place. */
  show: (lines: string[]) => void
}

export const openScreen = (stdout: NodeJS.WriteStream): Screen => {
  const { rows } = sizeOf(stdout)
  let shown: (string | undefined)[] = []
  return {
    show: (lines) => {
      let text = ''
      for (let row = 0; row < rows; row += 1) {
        const line = lines[row] ?? ''
        if (line === shown[row]) continue
        // Written over, not cleared first: nothing blinks where a terminal knows no synchronised updates (2026).
        text += `\u001b[${row + 1};1H${line}`
      }
      shown = lines
      if (text !== '' && !stdout.destroyed) stdout.write(`\u001b[?2026h${text}\u001b[?2026l`)
    },
  }
}
