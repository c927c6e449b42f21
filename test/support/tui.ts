import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { eventually } from './eventually.ts'
import type { HarnessPlay } from './tui-harness.ts'

/** Why tests in a terminal cannot run on this machine, or undefined when they can. For `describe.skipIf(...)`. */
export const tmuxMissing: string | undefined =
  spawnSync('tmux', ['-V'], { stdio: 'ignore' }).status === 0 ? undefined : 'needs tmux'

export type TuiTerminal = {
  /** tmux names of keys: `Enter`, `Escape`, `C-c`, `a`. */
  press: (...keys: string[]) => void
  type: (text: string) => void
  /** Bytes as a terminal sends them. */
  send: (bytes: string) => void
  /** As a terminal pastes, in brackets where the program asked for them. */
  paste: (text: string) => void
  /** The visible screen, with `escapes` also its styles. */
  screen: (escapes?: boolean) => string
  sees: (text: string | RegExp) => Promise<string>
  play: (asked: HarnessPlay) => void
  /** What the UI asked of the world so far. */
  told: () => Record<string, unknown>[]
  resize: (columns: number, rows: number) => void
  /** Whether tmux's screen shows the cursor, is the alternate one, and wraps lines. */
  flags: () => string
  /** All that the UI has written to the terminal so far. */
  output: () => string
  /** Bytes that the UI has written to the terminal so far. */
  written: () => number
  /** The UI's process. */
  pid: () => number
  /** Closes the terminal under the UI. */
  hangUp: () => void
  close: () => void
}

/** Bundles the harness from the sources at hand. */
export const buildTuiHarness = async (): Promise<{ entry: string; folder: string; close: () => void }> => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-tui-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  const entry = join(folder, 'harness.js')
  const { leanInk } = await import(join(root, 'scripts/lean-ink.js'))
  await build({
    entryPoints: { harness: join(root, 'test/support/tui-harness.ts') },
    outdir: folder,
    bundle: true,
    // Keeps Ink's devtools, which are not installed, in a chunk that nothing loads.
    splitting: true,
    format: 'esm',
    platform: 'node',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
    plugins: [leanInk],
    external: ['react-devtools-core'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  return {
    entry,
    folder,
    close: () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  }
}

let terminals = 0

/** A shell in a tmux of its own, in which the harness plays `scene`. */
export const openTuiTerminal = async (
  harness: { entry: string; folder: string },
  scene: string,
  size: { columns: number; rows: number } = { columns: 80, rows: 24 },
  more: Record<string, string> = {},
): Promise<TuiTerminal> => {
  terminals += 1
  const tmuxSocket = join(harness.folder, `${terminals}.tmux`)
  const socketPath = join(harness.folder, `${terminals}.sock`)
  // `CI` makes Ink draw nothing until it ends, so the shell starts without it.
  const env = { PATH: process.env.PATH, HOME: harness.folder, LANG: 'C.UTF-8', PS1: '$ ', HISTFILE: '', ...more }
  const tmux = (...args: string[]) => execFileSync('tmux', ['-S', tmuxSocket, ...args], { env, encoding: 'utf8' })
  const { columns, rows } = size
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), 'bash --norc --noprofile -i')
  tmux('set', '-g', 'status', 'off')
  tmux('resize-window', '-x', String(columns), '-y', String(rows))
  let isOpen = true
  const told: Record<string, unknown>[] = []
  const output = join(harness.folder, `${terminals}.out`)
  writeFileSync(output, '')
  tmux('pipe-pane', `cat >> ${output}`)
  tmux('send-keys', '-l', `node ${harness.entry} ${socketPath} ${scene}`)
  tmux('send-keys', 'Enter')
  const socket = await eventually(() => connectTo(socketPath), { withinMs: 15_000, what: 'the harness listens' }).catch(
    (error) => {
      const seen = tmux('capture-pane', '-p')
      tmux('kill-server')
      throw new Error(`${error.message}\n${seen}`)
    },
  )
  createInterface({ input: socket }).on('line', (line) => told.push(JSON.parse(line)))
  const screen = (escapes = false) => tmux('capture-pane', '-p', ...(escapes ? ['-e'] : []))
  return {
    press: (...keys) => void tmux('send-keys', ...keys),
    type: (text) => void tmux('send-keys', '-l', text),
    send: (bytes) => {
      const codes = [...Buffer.from(bytes)].map((byte) => byte.toString(16).padStart(2, '0'))
      // As many as a command line takes.
      while (codes.length > 0) tmux('send-keys', '-H', ...codes.splice(0, 4000))
    },
    paste: (text) => {
      const file = join(harness.folder, `${terminals}.paste`)
      writeFileSync(file, text)
      tmux('load-buffer', file)
      tmux('paste-buffer', '-p', '-r')
    },
    screen,
    sees: (text) =>
      eventually(
        () => {
          const seen = screen()
          if (typeof text === 'string' ? seen.includes(text) : text.test(seen)) return seen
          throw new Error(`\n${seen}`)
        },
        { withinMs: 15_000, what: `the screen shows ${text}`, everyMs: 50 },
      ),
    play: (asked) => void socket.write(`${JSON.stringify(asked)}\n`),
    told: () => told,
    resize: (wide, high) => void tmux('resize-window', '-x', String(wide), '-y', String(high)),
    flags: () => tmux('display', '-p', 'cursor #{cursor_flag} alternate #{alternate_on} wrap #{wrap_flag}').trim(),
    output: () => readFileSync(output, 'utf8'),
    written: () => statSync(output).size,
    pid: () => Number(execFileSync('pgrep', ['-f', socketPath], { encoding: 'utf8' }).trim().split('\n').at(-1)),
    hangUp: () => {
      tmux('kill-server')
      isOpen = false
    },
    close: () => {
      socket.destroy()
      if (isOpen) tmux('kill-server')
      isOpen = false
    },
  }
}

const connectTo = (path: string) =>
  new Promise<ReturnType<typeof createConnection>>((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
