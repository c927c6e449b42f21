import { readFileSync } from 'node:fs'

export type Cost = {
  /** User and system time of all threads since their start, in seconds, to 10 ms. */
  cpuS: number
  /** Resident. */
  memoryBytes: number
}

// USER_HZ, which Linux fixes for user space (proc(5)).
const TICKS_PER_S = 100

/** What running processes have cost, summed (Linux). */
export const costOf = (pids: number[]): Cost =>
  pids.map(costOfOne).reduce((sum, one) => ({
    cpuS: sum.cpuS + one.cpuS,
    memoryBytes: sum.memoryBytes + one.memoryBytes,
  }))

const costOfOne = (pid: number): Cost => {
  // The name in parentheses may hold blanks; utime and stime are fields 14 and 15, and field 3 comes after the name.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return {
    cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S,
    memoryBytes: Number(resident?.[1] ?? 0) * 1024,
  }
}

/** What a running process holds (Linux): all of it, and what no other process shares (USS), as `smaps_rollup` of proc(5) says. */
export const memoryOf = (pid: number): { residentBytes: number; ownBytes: number } => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const bytesOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024
  return { residentBytes: bytesOf('Rss'), ownBytes: bytesOf('Private_Clean') + bytesOf('Private_Dirty') }
}

/** CPU seconds that the machine has spent on anything since its start (proc_stat(5)). */
export const machineBusyS = (): number => {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/)
    .slice(1, 9)
    .map(Number)
  return (user! + nice! + system! + irq! + softirq! + steal!) / TICKS_PER_S
}
