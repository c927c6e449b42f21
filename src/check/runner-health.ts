import { readdirSync, readFileSync } from 'node:fs'
import type { RunnerHealth, Stall } from './contract.ts'

const LOOK_MS = 20
const STALL_MS = 50
const MAX_STALLS = 1000

/**
 * Watches whether this process runs as it should: what it measures is worth no more than that. `startedMs` of
 * performance.now() is the run's time 0.
 */
export const watchRunner = (startedMs: number): { health(): RunnerHealth; close(): void } => {
  const stalls: Stall[] = []
  const waitedAtFirstMs = waitedMs()
  const cpuAtFirst = process.cpuUsage()
  const firstMs = performance.now()
  let longestStallMs = 0
  let dueMs = firstMs + LOOK_MS
  const timer = setInterval(() => {
    const nowMs = performance.now()
    const ms = nowMs - dueMs
    longestStallMs = Math.max(longestStallMs, ms)
    if (ms >= STALL_MS && stalls.length < MAX_STALLS) stalls.push({ atMs: dueMs - startedMs, ms })
    dueMs = nowMs + LOOK_MS
  }, LOOK_MS)
  return {
    health: () => {
      const elapsedMs = performance.now() - firstMs
      const { user, system } = process.cpuUsage(cpuAtFirst)
      const cpuMs = (user + system) / 1000
      const waited = waitedMs()
      const starvedMs = waited === null || waitedAtFirstMs === null ? null : Math.max(0, waited - waitedAtFirstMs)
      return {
        stalls: [...stalls],
        longestStallMs,
        cpuShare: cpuMs / elapsedMs,
        starvedShare: starvedMs === null || starvedMs + cpuMs === 0 ? null : starvedMs / (starvedMs + cpuMs),
      }
    },
    close: () => clearInterval(timer),
  }
}

/** How long all threads were ready to run and had no core: the second figure of schedstat (Linux). */
const waitedMs = (): number | null => {
  try {
    return readdirSync('/proc/self/task').reduce((sum, thread) => sum + waitedOf(thread), 0) / 1e6
  } catch {
    return null
  }
}

const waitedOf = (thread: string): number => {
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[1])
  } catch {
    // It has ended meanwhile.
    return 0
  }
}

/** Datagrams that this machine dropped because nobody read them in time (RcvbufErrors of snmp, Linux). */
export const unreadDatagrams = (): number | null => {
  try {
    const [names, values] = readFileSync('/proc/net/snmp', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('Udp: '))
      .map((line) => line.split(' '))
    const at = names!.indexOf('RcvbufErrors')
    return at < 0 ? null : Number(values![at])
  } catch {
    return null
  }
}
