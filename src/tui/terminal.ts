/** Saves the shell's screen, shows an empty one, hides the cursor (xterm control sequences, DECSET 1049 and 25). */
const enterSequence = '\u001b[?1049h\u001b[2J\u001b[H\u001b[?25l'
/** Ends a synchronised update (2026) that a crash may have cut, all styles, the cursor's absence and the screen. */
const leaveSequence = '\u001b[?2026l\u001b[0m\u001b[?25h\u001b[?1049l'
const clearSequence = '\u001b[2J\u001b[H'

export type Terminal = { enter: () => void; leave: () => void; clear: () => void }

/** The alternate screen. `leave` gives the terminal back as it was and may be called any number of times. */
export const openTerminal = (stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Terminal => {
  let isInside = false
  return {
    enter: () => {
      if (isInside) return
      isInside = true
      stdout.write(enterSequence)
    },
    leave: () => {
      if (!isInside) return
      isInside = false
      if (!stdout.destroyed) stdout.write(leaveSequence)
      if (stdin.isTTY && !stdin.destroyed) stdin.setRawMode(false)
    },
    clear: () => {
      if (isInside) stdout.write(clearSequence)
    },
  }
}

/**
 * What Ink draws on: a screen of one size for one mount. Ink's own answer to a resize leaves lines of the old picture
 * behind, so it is not told of one; the picture is mounted anew instead.
 */
export const fixedScreen = (stdout: NodeJS.WriteStream): NodeJS.WriteStream => {
  const screen = {
    isTTY: true,
    columns: stdout.columns,
    rows: stdout.rows,
    write: (chunk: string | Uint8Array) => !stdout.destroyed && stdout.write(chunk),
    on: () => screen,
    off: () => screen,
  }
  return screen as unknown as NodeJS.WriteStream
}

export const sizeOf = ({ columns, rows }: NodeJS.WriteStream): { columns: number; rows: number } => ({
  columns: columns || 80,
  rows: rows || 24,
})
