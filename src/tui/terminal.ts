import { openKeyboard, type Typed } from './keyboard.ts'

/**
 * Saves the shell's screen, shows an empty one, hides the cursor, wraps no line, marks pasted text, tells when the window
 * loses the keyboard (xterm, DECSET 1049, 25, 7, 2004 and 1004).
 */
const enterSequence = '\u001b[?1049h\u001b[2J\u001b[H\u001b[?25l\u001b[?7l\u001b[?2004h\u001b[?1004h'
/** Ends a synchronised update (2026) that a crash may have cut, all styles, the cursor's absence and the screen. */
const leaveSequence = '\u001b[?2026l\u001b[0m\u001b[?1004l\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l'
const clearSequence = '\u001b[2J\u001b[H'
/** Whether keys are told when they are let go (kitty), and the background (xterm, OSC 11). Those who do not know, are silent. */
const questions = '\u001b[?u\u001b]11;?\u001b\\'
/** Every key as a sequence, with its release, its place on a Latin keyboard and its text; on kitty's stack. */
const allKeys = '\u001b[>31u'
const plainKeys = '\u001b[<u'

export type Terminal = {
  enter: () => void
  leave: () => void
  clear: () => void
  /** Into the clipboard of the terminal, wherever it runs (xterm, OSC 52). */
  copy: (text: string) => void
  /** From the terminal while it is entered. One listener. */
  onTyped: (listener: (typed: Typed) => void) => void
}

/** How long a lone escape may still become a sequence, on a slow line too. */
const escapeMs = 40

/** The alternate screen and the keyboard. `leave` gives the terminal back as it was and may be called any number of times. */
export const openTerminal = (stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Terminal => {
  let isInside = false
  let hasAsked = false
  let tellsReleases = false
  let listener: (typed: Typed) => void = () => {}
  let keyboard = openKeyboard()
  let timer: NodeJS.Timeout | undefined

  const tell = (typed: Typed[]) => {
    for (const one of typed) {
      if (!isInside) return
      if (one.type === 'kitty' && !tellsReleases) {
        tellsReleases = true
        stdout.write(allKeys)
      }
      listener(one)
    }
  }
  const onData = (bytes: Buffer | string) => {
    clearTimeout(timer)
    tell(keyboard.push(bytes))
    if (keyboard.isWaiting()) timer = setTimeout(() => tell(keyboard.giveUp()), escapeMs)
  }

  return {
    enter: () => {
      if (isInside) return
      isInside = true
      keyboard = openKeyboard()
      if (stdin.isTTY) stdin.setRawMode(true)
      stdin.on('data', onData)
      stdin.ref()
      stdin.resume()
      stdout.write(`${enterSequence}${hasAsked ? '' : questions}${tellsReleases ? allKeys : ''}`)
      hasAsked = true
    },
    leave: () => {
      if (!isInside) return
      isInside = false
      clearTimeout(timer)
      stdin.off('data', onData)
      stdin.pause()
      stdin.unref()
      if (!stdout.destroyed) stdout.write(`${tellsReleases ? plainKeys : ''}${leaveSequence}`)
      if (stdin.isTTY && !stdin.destroyed) stdin.setRawMode(false)
    },
    clear: () => {
      if (isInside) stdout.write(clearSequence)
    },
    copy: (text) => {
      if (isInside) stdout.write(`\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`)
    },
    onTyped: (next) => {
      listener = next
    },
  }
}

export const sizeOf = ({ columns, rows }: NodeJS.WriteStream): { columns: number; rows: number } => ({
  columns: columns || 80,
  rows: rows || 24,
})
