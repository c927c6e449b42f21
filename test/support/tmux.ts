import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

/** Why tests in a terminal cannot run on this machine, or undefined when they can. For `describe.skipIf(...)`. */
export const tmuxMissing: string | undefined =
  spawnSync('tmux', ['-V'], { stdio: 'ignore' }).status === 0 ? undefined : 'needs tmux'

export type Terminal = {
  /** tmux names of keys: `Enter`, `Escape`, `C-c`, `a`. */
  press: (...keys: string[]) => void
  type: (text: string) => void
  /** Bytes as a terminal sends them. */
  send: (bytes: string) => void
  /** As a terminal pastes, in brackets where the program asked for them. */
  paste: (text: string) => void
  /** The visible screen, with `escapes` also its styles. */
  screen: (escapes?: boolean) => string
  sees: (text: string | RegExp, withinMs?: number) => Promise<string>
  resize: (columns: number, rows: number) => void
  /** Whether tmux's screen shows the cursor, is the alternate one, and wraps lines. */
  flags: () => string
  /** All that was written to the terminal so far. */
  output: () => string
  /** Bytes that were written to the terminal so far. */
  written: () => number
  /** Closes the terminal under what runs in it. */
  hangUp: () => void
  close: () => void
}

export type TerminalOptions = {
  /** For the socket and what was written; not longer than a socket's path may be. */
  folder: string
  /** Typed into the shell at once. */
  command: string
  size?: { columns: number; rows: number }
  env?: NodeJS.ProcessEnv
}

let terminals = 0

/** A shell in a tmux of its own. */
export const openTerminal = ({ folder, command, size, env: more = {} }: TerminalOptions): Terminal => {
  terminals += 1
  const { columns, rows } = size ?? { columns: 80, rows: 24 }
  const file = (ending: string) => join(folder, `${process.pid}-${terminals}.${ending}`)
  const [socket, output, pasted] = [file('tmux'), file('out'), file('paste')]
  // `CI` makes Ink draw nothing until it ends, so the shell starts without it.
  const env = { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8', PS1: '$ ', HISTFILE: '', ...more }
  const tmux = (...args: string[]) => execFileSync('tmux', ['-S', socket, ...args], { env, encoding: 'utf8' })
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), 'bash --norc --noprofile -i')
  tmux('set', '-g', 'status', 'off')
  const resize = (wide: number, high: number) => void tmux('resize-window', '-x', String(wide), '-y', String(high))
  resize(columns, rows)
  let isOpen = true
  writeFileSync(output, '')
  tmux('pipe-pane', `cat >> ${output}`)
  const press = (...keys: string[]) => void tmux('send-keys', ...keys)
  const type = (text: string) => void tmux('send-keys', '-l', text)
  type(command)
  press('Enter')
  const screen = (escapes = false) => tmux('capture-pane', '-p', ...(escapes ? ['-e'] : []))
  const hangUp = () => {
    if (isOpen) tmux('kill-server')
    isOpen = false
  }
  return {
    press,
    type,
    send: (bytes) => {
      const codes = [...Buffer.from(bytes)].map((byte) => byte.toString(16).padStart(2, '0'))
      // As many as a command line takes.
      while (codes.length > 0) tmux('send-keys', '-H', ...codes.splice(0, 4000))
    },
    paste: (text) => {
      writeFileSync(pasted, text)
      tmux('load-buffer', pasted)
      tmux('paste-buffer', '-p', '-r')
    },
    screen,
    sees: (text, withinMs = 15_000) =>
      eventually(
        () => {
          const seen = screen()
          if (typeof text === 'string' ? seen.includes(text) : text.test(seen)) return seen
          throw new Error(`\n${seen}`)
        },
        { withinMs, what: `the screen shows ${text}`, everyMs: 50 },
      ),
    resize,
    flags: () => tmux('display', '-p', 'cursor #{cursor_flag} alternate #{alternate_on} wrap #{wrap_flag}').trim(),
    output: () => readFileSync(output, 'utf8'),
    written: () => statSync(output).size,
    hangUp,
    close: hangUp,
  }
}
