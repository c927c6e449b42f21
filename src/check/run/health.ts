import { readFileSync } from 'node:fs'
import type { Stall } from '../contract.ts'

const LOOK_MS = 10
/** Less is what evening out in the sound's way is for. */
const STALL_MS = 50

export type ProcessHealth = { stalls: Stall[]; cpuMs: number; waitedMs: number | null }

/** Watches whether this process gets to run: when it was held up, and what it used. `nowMs` is the run's clock. */
export const watchHealth = (nowMs: () => number): { read(): ProcessHealth; close(): void } => {
  const stalls: Stall[] = []
  const cpu = process.cpuUsage()
  const waitedFrom = waitedMs()
  let lastMs = nowMs()
  const timer = setInterval(() => {
    const atMs = nowMs()
    const lateMs = atMs - lastMs - LOOK_MS
    if (lateMs >= STALL_MS) stalls.push({ atMs: lastMs + LOOK_MS, ms: lateMs })
    lastMs = atMs
  }, LOOK_MS)
  return {
    read: () => {
      const { user, system } = process.cpuUsage(cpu)
      const waited = waitedMs()
      return {
        stalls: [...stalls],
        cpuMs: (user + system) / 1000,
        waitedMs: waited === null || waitedFrom === null ? null : waited - waitedFrom,
      }
    },
    close: () => clearInterval(timer),
  }
}

/** How long the main thread was ready to run and others ran instead: Documentation/scheduler/sched-stats of Linux. */
const waitedMs = (): number | null => {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
  } catch {
    return null
  }
}
