import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { familyOf } from '../support/bot-room.ts'
import { eventually } from '../support/eventually.ts'
import { roomtoneBin, startRoomtone } from '../support/roomtone.ts'
import { tmuxMissing } from '../support/tmux.ts'

// Everything a demo makes lies under a temporary folder of the test's own, and every process of it knows that folder.
let temp: string
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), 'rt-demo-'))
})
afterEach(async () => {
  const left = () => ({
    processes: processesOf(temp),
    files: readdirSync(temp).filter((name) => /^roomtone/.test(name)),
  })
  try {
    await eventually(
      () => {
        const { processes, files } = left()
        if (processes.length + files.length > 0) throw new Error(JSON.stringify(left()))
        return true
      },
      { withinMs: 5_000, what: 'nothing of the demo is left' },
    )
  } finally {
    for (const { pid } of processesOf(temp)) process.kill(pid, 'SIGKILL')
    rmSync(temp, { recursive: true, force: true })
  }
})

const startDemo = (...args: string[]) => startRoomtone(['demo', ...args], { home: temp, env: { TMPDIR: temp } })

/** All processes that were started with that folder in their environment. */
const processesOf = (folder: string): { pid: number; command: string }[] =>
  readdirSync('/proc').flatMap((entry) => {
    try {
      if (!/^\d+$/.test(entry) || !readFileSync(`/proc/${entry}/environ`, 'utf8').includes(folder)) return []
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return command === '' ? [] : [{ pid: Number(entry), command }]
    } catch {
      return []
    }
  })

it('ends by itself without a terminal and says what was heard of the guide', async () => {
  const demo = startDemo('--for', '5s')
  demo.endInput()
  const { code, stdout } = await demo.ended
  expect(code).toBe(0)
  const verdict = /^Heard Guide for (\d+\.\d) s at (-\d+\.\d) dBFS, longest gap (\d+) ms$/m.exec(stdout)
  expect(Number(verdict?.[1])).toBeGreaterThan(4)
  expect(Number(verdict?.[2])).toBeGreaterThan(-40)
})

it('gives nothing but sound on stdout when that is its speaker', async () => {
  const demo = startDemo('--for', '3s', '--speaker', 'stdout')
  demo.endInput()
  const { code, stdout, stderr } = await demo.ended
  expect(code).toBe(0)
  expect(stderr).toContain('You are in')
  expect(stderr).toMatch(/^Heard Guide for/m)
  expect(stdout).not.toMatch(/Guide|You are/)
  expect(stdout.length).toBeGreaterThan(48_000)
})

it('leaves nothing behind after Ctrl+C', async () => {
  const demo = startDemo('--for', '60s')
  await eventually(() => demo.stdout().includes('You are in'), { withinMs: 30_000, what: 'the seat is in the room' })
  demo.kill('SIGINT')
  expect(await demo.ended).toMatchObject({ code: 130 })
})

it('leaves nothing behind after Ctrl+C while it starts', async () => {
  const demo = startDemo('--for', '60s')
  await eventually(() => processesOf(temp).some(({ command }) => command.includes('media-server.js')), {
    withinMs: 30_000,
    what: 'its media server starts',
  })
  demo.kill('SIGINT')
  expect(await demo.ended).toMatchObject({ code: 130 })
})

it('fails when nothing was heard of the guide', async () => {
  const demo = startDemo('--for', '3s')
  const guide = await eventually(
    () =>
      familyOf(demo.pid).find((pid) =>
        processesOf(temp).some((one) => one.pid === pid && /\bbot\.js /.test(one.command)),
      ),
    { withinMs: 30_000, what: "the guide's process is there", everyMs: 5 },
  )
  process.kill(guide!, 'SIGKILL')
  const { code, stderr } = await demo.ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/nothing was heard of the guide\.?$/m)
})

describe.skipIf(tmuxMissing)(`on a terminal${tmuxMissing ? ` (${tmuxMissing})` : ''}`, () => {
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-S', join(temp, 'tmux.sock'), ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: temp, TMPDIR: temp, LANG: 'C.UTF-8', PS1: '$ ' },
    })
  const sees = (what: RegExp) =>
    eventually(
      () => {
        const screen = tmux('capture-pane', '-p')
        if (!what.test(screen)) throw new Error(`\n${screen}`)
        return screen
      },
      { withinMs: 30_000, what: `the screen shows ${what}`, everyMs: 100 },
    )
  const seesGuide = async () => {
    tmux('-f', '/dev/null', 'new-session', '-d', '-x', '100', '-y', '30', 'bash --norc --noprofile -i')
    tmux('send-keys', '-l', `${process.execPath} ${roomtoneBin} demo; echo code $?`)
    tmux('send-keys', 'Enter')
    // The level behind the name: it speaks.
    await sees(/A short guided pause[\s\S]*Guide .*-\d+ dB/)
  }
  afterEach(() => spawnSync('tmux', ['-S', join(temp, 'tmux.sock'), 'kill-server']))

  it('shows the room with the guide speaking, until one leaves', async () => {
    await seesGuide()
    tmux('send-keys', 'q')
    await sees(/Leave A short guided pause/)
    tmux('send-keys', 'y')
    await sees(/code 0/)
  })

  it('leaves nothing behind when the terminal is closed', async () => {
    await seesGuide()
    tmux('kill-server')
    await eventually(() => processesOf(temp).length === 0, { withinMs: 10_000, what: 'its processes have ended' })
  })
})
