import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { eventually } from './eventually.ts'
import { openTerminal, type Terminal } from './tmux.ts'
import type { HarnessPlay } from './tui-harness.ts'

export type TuiTerminal = Terminal & {
  play: (asked: HarnessPlay) => void
  /** What the UI asked of the world so far. */
  told: () => Record<string, unknown>[]
  /** The UI's process. */
  pid: () => number
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
  env: Record<string, string> = {},
): Promise<TuiTerminal> => {
  terminals += 1
  const socketPath = join(harness.folder, `${terminals}.sock`)
  const command = `node ${harness.entry} ${socketPath} ${scene}`
  const terminal = openTerminal({ folder: harness.folder, command, size, env })
  const socket = await eventually(() => connectTo(socketPath), { withinMs: 15_000, what: 'the harness listens' }).catch(
    (error) => {
      const seen = terminal.screen()
      terminal.close()
      throw new Error(`${error.message}\n${seen}`)
    },
  )
  const told: Record<string, unknown>[] = []
  createInterface({ input: socket }).on('line', (line) => told.push(JSON.parse(line)))
  return {
    ...terminal,
    play: (asked) => void socket.write(`${JSON.stringify(asked)}\n`),
    told: () => told,
    pid: () => Number(execFileSync('pgrep', ['-f', socketPath], { encoding: 'utf8' }).trim().split('\n').at(-1)),
    close: () => {
      socket.destroy()
      terminal.close()
    },
  }
}

const connectTo = (path: string) =>
  new Promise<ReturnType<typeof createConnection>>((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
