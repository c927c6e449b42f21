/**
 * Saves the shell's screen, shows an empty one, hides the cursor, wraps no line, marks pasted text (xterm, DECSET 1049, 25,
 * 7 and 2004).
 */
const enterSequence = '\u001b[?1049h\u001b[2J\u001b[H\u001b[?25l\u001b[?7l\u001b[?2004h'
/** Ends a synchronised update (2026) that a crash may have cut, all styles, the cursor's absence and the screen. */
const leaveSequence = '\u001b[?2026l\u001b[0m\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l'
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
 * What Ink draws on: takes whole pictures (Ink's `debug` mode) and writes only the lines that changed, each at its place.
 * Ink 6.8's own incremental mode moves up one line too few, and its other mode rewrites everything.
 */
export const openScreen = (stdout: NodeJS.WriteStream): NodeJS.WriteStream => {
  const { columns, rows } = sizeOf(stdout)
  let shown: string[] = []
  const paint = (picture: string) => {
    const lines = picture.split('\n').slice(0, rows)
    const changed = Array.from({ length: rows }, (_, row) => row).filter((row) => lines[row] !== shown[row])
    shown = lines
    if (changed.length === 0 || stdout.destroyed) return true
    const text = changed.map((row) => `\u001b[${row + 1};1H\u001b[2K${lines[row] ?? ''}`).join('')
    return stdout.write(`\u001b[?2026h${text}\u001b[?2026l`)
  }
  // Not called a terminal, or Ink would write its own cursor sequences between the pictures.
  const screen = { isTTY: false, columns, rows, write: paint, on: () => screen, off: () => screen }
  return screen as unknown as NodeJS.WriteStream
}

export const sizeOf = ({ columns, rows }: NodeJS.WriteStream): { columns: number; rows: number } => ({
  columns: columns || 80,
  rows: rows || 24,
})
