import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

/** A program of test/support in a process that yields to all others: its people are on other machines, in truth. */
export type Yielding = {
  /** What it wrote so far, a JSON document a line. */
  lines<T>(): T[]
  /** Says a line to it. */
  tell(text: string): void
  close(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

export const startYielding = (program: 'crowd' | 'flooders', args: string[]): Yielding => {
  const child = spawn(process.execPath, [bundle(program), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  setPriority(child.pid!, 10)
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  // It may be gone when it is told something.
  child.stdin.on('error', () => {})
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {
    lines: <T>() =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as T),
    tell: (line) => void child.stdin.write(`${line}\n`),
    close: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const bundle = (program: string): string => {
  const folder = mkdtempSync(join(tmpdir(), `roomtone-${program}-`))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const outfile = join(folder, `${program}.mjs`)
  buildSync({
    entryPoints: [join(root, `test/support/${program}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  return outfile
}
