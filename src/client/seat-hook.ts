import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeatEvent } from '../protocol/seat.ts'
import { cleanLine } from '../protocol/text.ts'

export type SeatHook = {
  tell(event: SeatEvent): void
  /** Waits a little for what still runs, then ends it. */
  close(): Promise<void>
}

export type SeatHookOptions = {
  /** Run by the shell. */
  command: string
  /** What it finds in its environment, beside what it is told. */
  env: Record<string, string | undefined>
  seatId: string
  /** Told once, when the command fails for the first time. */
  onProblem(message: string): void
  /** A run that takes longer is ended; 10 s. */
  runMs?: number
}

const KINDS: readonly SeatEvent['type'][] = [
  'joined',
  'left',
  'participant-joined',
  'participant-left',
  'hand-raised',
  'invited-to-speak',
]
const MAX_WAITING = 100
const RUN_MS = 10_000
const LAST_RUN_MS = 2_000

/**
 * Runs the user's command for each event of KINDS, one after the other: the event's JSON line on stdin, and in the
 * environment ROOMTONE_EVENT (its type), ROOMTONE_SEAT, and ROOMTONE_NAME where it is about somebody. Names never become
 * part of the command line. A command that hangs is ended, one that fails is told of once; of a long burst some are left out.
 */
export const startSeatHook = ({ command, env, seatId, onProblem, runMs = RUN_MS }: SeatHookOptions): SeatHook => {
  const waiting: SeatEvent[] = []
  let running: ChildProcess | undefined
  let hasFailed = false

  const fail = (why: string) => {
    if (!hasFailed) onProblem(`The hook ${why}: ${command}`)
    hasFailed = true
  }

  const runNext = () => {
    const event = running ? undefined : waiting.shift()
    if (!event) return
    const child = spawn(command, {
      shell: true,
      detached: process.platform !== 'win32',
      env: { ...env, ROOMTONE_EVENT: event.type, ROOMTONE_SEAT: seatId, ROOMTONE_NAME: nameIn(event) },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    running = child
    const limit = setTimeout(() => {
      fail(`took longer than ${runMs / 1000} s`)
      kill(child)
    }, runMs)
    const end = () => {
      clearTimeout(limit)
      running = undefined
      runNext()
    }
    child.once('error', ({ message }) => {
      fail(`cannot be run (${message})`)
      end()
    })
    child.once('exit', (code) => {
      if (code) fail(`failed (exit code ${code})`)
      end()
    })
    child.stdin.on('error', () => {})
    child.stdin.end(`${JSON.stringify(event)}\n`)
  }

  const drain = async () => {
    while (running) await sleep(20)
  }

  return {
    tell: (event) => {
      if (!KINDS.includes(event.type) || waiting.length >= MAX_WAITING) return
      waiting.push(event)
      runNext()
    },
    close: async () => {
      await Promise.race([drain(), sleep(LAST_RUN_MS)])
      waiting.length = 0
      if (running) kill(running)
    },
  }
}

const nameIn = (event: SeatEvent): string => ('name' in event ? cleanLine(event.name) : '')

/** With all that it started. */
const kill = (child: ChildProcess) => {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}
