import { nearest } from './nearest.ts'
import type { Schedule } from './schedule.ts'
import { scheduleError } from './schedule-error.ts'
import { DAY_MS } from './wall.ts'

/** The instants at which clocks in a zone say a wall time: none in a gap (spring), two in a fold (autumn), else one. */
export type Instants = { atMs: number[]; gapMs: number }

export type Zone = {
  /** As it was given. */
  name: string
  /** How far the clocks there are ahead of UTC. */
  offsetMs: (atMs: number) => number
}

/** Throws a `bad-schedule` error for a name that the IANA data of this Node.js does not have, with the name that was perhaps meant. */
export const zoneOf = (name: string): Zone => {
  const known = zones.get(name)
  if (known) return known
  const zone = { name, offsetMs: offsets(name) }
  zones.set(name, zone)
  return zone
}

/** Both instants of a fold, the earlier first; for a gap none, and how much the clocks were put forward. */
export const instantsOf = (wallMs: number, zone: Zone): Instants => {
  // Offsets are less than a day, and no zone changes twice within two.
  const before = zone.offsetMs(wallMs - DAY_MS)
  const after = zone.offsetMs(wallMs + DAY_MS)
  const atMs = [...new Set([wallMs - before, wallMs - after])].filter((at) => at + zone.offsetMs(at) === wallMs)
  return { atMs: atMs.sort((a, b) => a - b), gapMs: atMs.length === 0 ? after - before : 0 }
}

/**
 * The one instant that a schedule means with a wall time; null: it is in a gap, and those are skipped. A shifted one is read with the
 * offset that was valid before the gap (RFC 5545, 3.3.5): 02:30 becomes 03:30.
 */
export const instantOf = (wallMs: number, zone: Zone, { gap, fold }: Pick<Schedule, 'gap' | 'fold'>): number | null => {
  const { atMs } = instantsOf(wallMs, zone)
  if (atMs.length === 0) return gap === 'skip' ? null : wallMs - zone.offsetMs(wallMs - DAY_MS)
  return (fold === 'second' ? atMs.at(-1) : atMs[0]) as number
}

/** When clocks in a zone are changed in [fromMs, toMs), with the offsets before and after. */
export const transitionsOf = (zone: Zone, fromMs: number, toMs: number): Transition[] => {
  const found: Transition[] = []
  for (let low = fromMs; low < toMs; low += STEP_MS) {
    const high = Math.min(low + STEP_MS, toMs)
    if (zone.offsetMs(low) === zone.offsetMs(high)) continue
    const atMs = changeBetween(zone, low, high)
    if (atMs < toMs) found.push({ atMs, beforeMs: zone.offsetMs(atMs - 1), afterMs: zone.offsetMs(atMs) })
  }
  return found
}

export type Transition = { atMs: number; beforeMs: number; afterMs: number }

// Clocks that are changed and changed back within it would not be seen; a month of Ramadan is the shortest time in use.
const STEP_MS = 14 * DAY_MS
const MINUTE_MS = 60_000

/** Both ends have different offsets. Clocks are changed at whole minutes; only Liberia's were not, until 1972. */
const changeBetween = (zone: Zone, lowMs: number, highMs: number): number => {
  const before = zone.offsetMs(lowMs)
  let [low, high] = [Math.floor(lowMs / MINUTE_MS), Math.ceil(highMs / MINUTE_MS)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (zone.offsetMs(middle * MINUTE_MS) === before) low = middle
    else high = middle
  }
  return high * MINUTE_MS
}

const zones = new Map<string, Zone>()

const offsets = (name: string): Zone['offsetMs'] => {
  const format = formatOf(name)
  return (atMs) => {
    const parts = format.format(atMs).match(/\d+/g) ?? []
    const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = parts.map(Number)
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000
  }
}

const formatOf = (name: string): Intl.DateTimeFormat => {
  // Intl takes any case, calendars do not; a name in the wrong one is told like a misspelt one.
  const spelling = zoneNames().find((known) => known.toLowerCase() === name.toLowerCase()) ?? name
  try {
    if (spelling === name) return new Intl.DateTimeFormat('en-US', { timeZone: name, hourCycle: 'h23', ...fields })
  } catch {}
  const city = nearest(cityOf(name), zoneNames().map(cityOf))
  const near = nearest(name, zoneNames()) ?? zoneNames().find((known) => cityOf(known) === city)
  const hint = near === undefined ? 'IANA names are like Europe/Berlin' : `did you mean ${near}?`
  throw scheduleError('zone', `There is no time zone ${JSON.stringify(name)}: ${hint}`)
}

const fields = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const

// Intl lists some zones under their old names only.
const renamed = ['UTC', 'Asia/Kathmandu', 'Asia/Kolkata', 'Europe/Kyiv']
let names: string[] | undefined
const zoneNames = (): string[] => {
  names ??= [...renamed, ...Intl.supportedValuesOf('timeZone')]
  return names
}
const cityOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1)
