import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { roomtoneBin, throwawayHome } from '../support/roomtone.ts'
import { buildTuiHarness, openTuiTerminal } from '../support/tui.ts'
import { costOf } from './process-cost.ts'
import type { Bench, Print } from './run.ts'
import { inTurn, medianOf, percentileOf } from './statistics.ts'

const ROUNDS = 20
const SHORT_ROUNDS = 5
const WATCHED_MS = 20_000
const SHORT_WATCHED_MS = 5_000
/** Loading is over, and what the compiler does of the first pictures. */
const WARM_MS = 3_000

const scenes = [
  ['moderator', '17 people', 80, 24],
  ['crowd', '10,000 listeners', 80, 24],
  ['moderator', '17 people', 120, 40],
] as const

/**
 * What the full screen costs while people speak and while nobody does, and how soon it stands, beside bare node. The
 * cases are the sizes, `80x24` and `120x40`, and `first`.
 */
export const run: Bench = async (print, { short, only }) => {
  const asked = scenes.filter(([, , columns, rows]) => only === undefined || only === `${columns}x${rows}`)
  if (asked.length > 0) await watchScenes(print, asked, short ? SHORT_WATCHED_MS : WATCHED_MS)
  if (only === undefined || only === 'first') await firstPicture(print, short ? SHORT_ROUNDS : ROUNDS)
}

const watchScenes = async (print: Print, asked: (typeof scenes)[number][], watchedMs: number) => {
  print('| room | size | speaking | % of a core | KB/s written | pictures/s |')
  print('|---|---|---|---|---|---|')
  const harness = await buildTuiHarness()
  try {
    for (const [scene, name, columns, rows] of asked)
      for (const speaking of [3, 0]) {
        const { cpuPercent, kilobytesPerS, picturesPerS } = await watch(
          () => openTuiTerminal(harness, scene, { columns, rows }),
          { speaking, watchedMs },
        )
        const figures = [cpuPercent, kilobytesPerS, picturesPerS].map((value) => value.toFixed(1))
        print(`| ${name} | ${columns}x${rows} | ${speaking} | ${figures.join(' | ')} |`)
      }
  } finally {
    harness.close()
  }
}

const watch = async (
  open: () => ReturnType<typeof openTuiTerminal>,
  { speaking, watchedMs }: { speaking: number; watchedMs: number },
) => {
  const terminal = await open()
  try {
    await terminal.sees(/MIC OPEN|LISTENING/)
    terminal.play({ silent: true })
    if (speaking > 0) terminal.play({ speaking })
    await sleep(WARM_MS)
    const pid = terminal.pid()
    const [cpuS, bytes, fromMs] = [costOf([pid]).cpuS, terminal.written(), performance.now()]
    await sleep(watchedMs)
    const seconds = (performance.now() - fromMs) / 1000
    const written = terminal.output().slice(bytes)
    return {
      cpuPercent: ((costOf([pid]).cpuS - cpuS) / seconds) * 100,
      kilobytesPerS: (terminal.written() - bytes) / 1000 / seconds,
      picturesPerS: written.split('\u001b[?2026h').length / seconds - 1 / seconds,
    }
  } finally {
    terminal.close()
  }
}

/** From the start of the process to its first picture on a terminal; the server it is told of does not exist. */
const firstPicture = async (print: Print, rounds: number) => {
  const place = throwawayHome()
  try {
    const env = { PATH: process.env.PATH, HOME: place.home, TERM: 'xterm-256color', LANG: 'C.UTF-8' }
    const ours = { ...env, ROOMTONE_HOME: place.home, ROOMTONE_SERVER: 'http://127.0.0.1:9' }
    const node = process.execPath
    const { bare, first } = await inTurn(rounds, {
      bare: () => onTerminal(`${node} -e 'console.log("up")'`, env, 'up'),
      first: () => onTerminal(`${node} ${roomtoneBin}`, ours, '\u001b[1;1H'),
    })
    print('')
    print('| from the start of the process | median ms | p95 ms | over bare node, ms |')
    print('|---|---|---|---|')
    for (const [name, values] of Object.entries({ 'bare node': bare!, 'first picture': first! })) {
      const figures = [medianOf(values), percentileOf(values, 0.95), medianOf(values) - medianOf(bare!)]
      print(`| ${name} | ${figures.map((ms) => ms.toFixed(1)).join(' | ')} |`)
    }
  } finally {
    await place.close()
  }
}

/** Milliseconds until a command on a pseudo-terminal (script(1)) has written `wanted`; then it is ended. */
const onTerminal = (command: string, env: NodeJS.ProcessEnv, wanted: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const fromMs = performance.now()
    const child = spawn('script', ['-qefc', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    let seen = ''
    let tookMs: number | undefined
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk
      if (tookMs !== undefined || !seen.includes(wanted)) return
      tookMs = performance.now() - fromMs
      child.stdin.write('\u0003')
    })
    child.once('error', reject)
    child.once('exit', () =>
      tookMs === undefined ? reject(new Error(`${command}: ${seen.slice(-300)}`)) : resolve(tookMs),
    )
  })
