// Runs the demo in a terminal (tmux), presses keys, and writes what was seen: node scripts/record-demo.js [FILE.svg]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { animatedSvg } from './animated-svg.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = process.argv[2] ?? join(root, 'docs/demo.svg')
const columns = 80
const rows = 24
const everyMs = 200
const maxBytes = 150_000
const maxStillMs = 2800

/** What is waited for, then how long it is looked at, then what is pressed; text in quotes is typed as it is. */
const story = [
  ['$', 800, '"roomtone demo"'],
  ['roomtone demo', 500, 'Enter'],
  ['LISTENING', 9000, 'Down'],
  ['▌', 1500, 'Enter'],
  ['quieter for you', 2500, 'Escape'],
  ['LISTENING', 500, 'h'],
  ['Your question', 700, '"How long is it?"'],
  ['How long is it?', 700, 'Enter'],
  ['HAND RAISED 1st', 3500, '?'],
  ['Keys', 4000, 'Escape'],
  ['HAND RAISED 1st', 3000, 'q'],
  ['Leave ', 2500, 'y'],
]

const folder = mkdtempSync(join(tmpdir(), 'roomtone-record-'))
const env = { ...process.env, TMPDIR: folder, HISTFILE: '', LANG: 'C.UTF-8' }
delete env.CI
const tmux = (...args) => execFileSync('tmux', ['-S', join(folder, 'tmux'), ...args], { env, encoding: 'utf8' })
const look = () => tmux('capture-pane', '-p', '-e').split('\n').slice(0, rows)
const plain = (lines) => lines.join('\n').replace(/\u001b\[[0-9;]*m/g, '')

const frames = []
let begun = 0
const watch = async (isOver) => {
  for (;;) {
    const lines = look()
    frames.push({ atMs: Math.round(performance.now() - begun), rows: lines })
    if (isOver(plain(lines))) return
    await sleep(everyMs)
  }
}

try {
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', `${columns}`, '-y', `${rows}`, 'bash --norc --noprofile -i')
  tmux('set', '-g', 'status', 'off')
  tmux('resize-window', '-x', `${columns}`, '-y', `${rows}`)
  tmux('send-keys', '-l', `PS1="$ "; roomtone() { ${process.execPath} ${root}bin/roomtone.js "$@"; }; clear`)
  tmux('send-keys', 'Enter')
  await sleep(500)
  begun = performance.now()
  for (const [text, forMs, keys] of story) {
    const askedAt = performance.now()
    await watch((seen) => {
      if (performance.now() - askedAt > 60_000) throw new Error(`"${text}" was not seen:\n${seen}`)
      return seen.includes(text)
    })
    const seenAt = performance.now()
    await watch(() => performance.now() - seenAt > forMs)
    if (keys.startsWith('"')) for (const key of keys.slice(1, -1)) await type(key)
    else tmux('send-keys', keys)
  }
  await watch((seen) => seen.trimEnd().endsWith('$'))
} finally {
  tmux('kill-server')
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Nobody wants to watch a machine that waits: what does not change is shown for a while, not for as long as it took. */
function shorten() {
  let saved = 0
  let changedAt = 0
  let shown = ''
  for (const frame of frames) {
    const now = frame.rows.join('\n')
    frame.atMs -= saved
    if (now === shown) continue
    const over = frame.atMs - changedAt - maxStillMs
    if (over > 0) {
      saved += over
      frame.atMs -= over
    }
    changedAt = frame.atMs
    shown = now
  }
}

async function type(key) {
  tmux('send-keys', '-l', key)
  await sleep(60)
  await watch(() => true)
}

shorten()
const end = frames.at(-1).atMs
const svg = animatedSvg({
  columns,
  title: 'roomtone demo in a terminal: a guided pause, its speaker, a raised hand, the keys, and out again',
  frames,
  forMs: end + 2000,
  stillMs: frames.find(({ rows: lines }) => plain(lines).includes('HAND RAISED')).atMs,
})
if (svg.length > maxBytes) throw new Error(`${svg.length} bytes are too many for a README`)
writeFileSync(file, svg)
console.log(`${file}: ${frames.length} looks in ${(end / 1000).toFixed(0)} s, ${svg.length} bytes`)
