import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release } from 'node:os'
import { fileURLToPath } from 'node:url'

/**
 * `npm run bench [-- [--short] NAME...]`: each named bench, or all. `NAME:CASE` asks for one case of a bench that has
 * several. What is printed is Markdown, fit for docs/performance.md.
 */
const benches: Record<string, () => Promise<{ run: Bench }>> = {
  media: () => import('./media.ts'),
  joins: () => import('./joins.ts'),
  'first-sound': () => import('./first-sound.ts'),
  bot: () => import('./bot.ts'),
  host: () => import('./host.ts'),
  commands: () => import('./commands.ts'),
  'room-list': () => import('./room-list.ts'),
  tui: () => import('./tui.ts'),
  seat: () => import('./seat.ts'),
  'mouth-to-ear': () => import('./mouth-to-ear.ts'),
  render: () => import('./render.ts'),
}

/** Measures one thing beside its peer and prints ratios. Throws only where it could not measure. */
export type Bench = (print: Print, options: BenchOptions) => Promise<void>
export type Print = (line: string) => void
export type BenchOptions = {
  /** A try-out in seconds, whose figures prove nothing. */
  short: boolean
  /** The case asked for, if one was. */
  only: string | undefined
}

const print: Print = (line) => void process.stdout.write(`${line}\n`)

const conditions = (): string => {
  const [{ model } = { model: 'unknown processor' }, ...others] = cpus()
  const load = loadavg().map((average) => average.toFixed(1))
  return [
    `commit ${commit()}`,
    new Date().toISOString().slice(0, 10),
    `${others.length + 1} cores (${model.trim()})`,
    `Node ${process.version}`,
    `kernel ${release()}`,
    `load ${load.join(' ')} before`,
  ].join(', ')
}

const commit = (): string => {
  const git = (...args: string[]): string => {
    const cwd = fileURLToPath(new URL('../..', import.meta.url))
    return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  }
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no', 'src') !== ''
    return git('rev-parse', '--short', 'HEAD') + (isChanged ? ' with changes' : '')
  } catch {
    return 'unknown'
  }
}

const args = process.argv.slice(2)
const short = args.includes('--short')
const asked = args.filter((arg) => arg !== '--short')
const unknown = asked.filter((name) => !benches[name.split(':')[0]!])
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
  process.exit(2)
}

for (const full of asked.length > 0 ? asked : Object.keys(benches)) {
  const [name, only] = full.split(':') as [string, string | undefined]
  print(`\n## ${full}${short ? ' (short: proves nothing)' : ''}\n\n${conditions()}\n`)
  try {
    const { run } = await benches[name]!()
    await run(print, { short, only })
  } catch (error) {
    const { message, cause } = error as Error
    print(`not measured: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}`)
    process.exitCode = 1
  }
}
// What a bench left behind (sockets of a native library) must not keep it.
process.exit()
