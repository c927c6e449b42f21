import { spawn, spawnSync } from 'node:child_process'
import { eventually } from './eventually.ts'
import { cleanEnvironment, roomtoneBin } from './roomtone.ts'

/** Why tests on a pseudo terminal cannot run on this machine, or undefined. For `describe.skipIf(...)`. */
export const ptyMissing: string | undefined =
  spawnSync('script', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'needs script (bsdutils)'

export type Pty = {
  /** A line and Enter. */
  type: (line: string) => void
  /** Bytes as a keyboard sends them. */
  press: (bytes: string) => void
  /** Everything written to the terminal so far, as it was written. */
  written: () => string
  /** What has been written since the last call of `sees`, or of this, once it holds the text; it ends with that. */
  sees: (text: string | RegExp, withinMs?: number) => Promise<string>
  exited: Promise<number | null>
  /** Takes the terminal away, as closing its window does. */
  hangUp: () => void
  close: () => void
}

/** The built command line on a terminal of its own, which shows what is written and nothing else: no shell is between. */
export const onPty = (args: string[], options: { home: string; env?: Record<string, string> }): Pty => {
  const words = [process.execPath, roomtoneBin, ...args]
  return openPty(words, {
    ...cleanEnvironment(),
    ROOMTONE_HOME: options.home,
    ...options.env,
  })
}

export const openPty = (words: string[], env: NodeJS.ProcessEnv): Pty => {
  // `exec`, so that the program, and no shell, is what the terminal belongs to.
  const command = `exec ${words.map((word) => `'${word}'`).join(' ')}`
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let written = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (text) => {
    written += text
  })
  child.stdin.on('error', () => {})
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const press = (bytes: string) => void child.stdin.write(bytes)
  return {
    type: (line) => press(`${line}\r`),
    press,
    written: () => written,
    sees: (text, withinMs = 15_000) =>
      eventually(
        () => {
          const fresh = written.slice(seen)
          const at = typeof text === 'string' ? fresh.indexOf(text) : fresh.search(text)
          if (at < 0) throw new Error(`\n${fresh.slice(-1500)}`)
          const length = typeof text === 'string' ? text.length : text.exec(fresh)![0].length
          seen += at + length
          return fresh.slice(0, at + length)
        },
        { withinMs, what: `the terminal shows ${text}` },
      ),
    exited,
    hangUp: () => void child.kill('SIGKILL'),
    close: () => void child.kill('SIGTERM'),
  }
}
