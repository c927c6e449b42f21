import { spawn } from 'node:child_process'
import { roomtoneBin } from './roomtone.ts'

export type OnTerminal = {
  /** All that was written to the terminal so far. */
  written(): string
  type(text: string): void
  /** Takes the terminal away, as closing its window does. */
  hangUp(): void
}

/** Runs a command on a pseudoterminal of its own: `script` of util-linux, which every Debian has. */
export const runOnTerminal = (args: string[], env: Record<string, string>): OnTerminal => {
  const command = ['node', roomtoneBin, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const { PATH = '', HOME = '/' } = process.env
  const child = spawn('script', ['-qfc', `exec ${command}`, '/dev/null'], {
    env: { PATH, HOME, TERM: 'xterm', LANG: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let written = ''
  child.stdout.on('data', (chunk) => {
    written += chunk
  })
  child.stdin.on('error', () => {})
  return {
    written: () => written,
    type: (text) => void child.stdin.write(text),
    hangUp: () => void child.kill('SIGKILL'),
  }
}
