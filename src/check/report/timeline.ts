import { levelLineOf } from '../../audio/sound-line.ts'
import type { Evidence, Report, SoundPiece } from '../contract.ts'
import { nameOf } from './junit.ts'

/** Something that happened in a run, in order. */
export type Happening = { atMs: number; text: string; isProblem: boolean }

/** All that a run knows the time of: steps, comings and goings, tracks, verdicts that did not pass. */
export const happeningsOf = (report: Report, evidence: Evidence): Happening[] => {
  const all: Happening[] = []
  const add = (atMs: number | null | undefined, text: string, isProblem = false) => {
    if (typeof atMs === 'number') all.push({ atMs, text, isProblem })
  }
  for (const { text, startedAtMs, doneAtMs, error } of report.steps)
    add(doneAtMs ?? startedAtMs, error ? `${text}: ${error.message}` : text, error !== null)
  for (const { name, stays, cuts, left, error } of evidence.actors) {
    for (const { fromMs } of stays) add(fromMs, `${name} is in the room`)
    for (const { fromMs, untilMs } of cuts) {
      add(fromMs, `${name} is cut off`, true)
      add(untilMs, `${name} is back`)
    }
    add(left?.atMs, `${name} is out (${left?.reason})`)
    add(error?.atMs, `${name}: ${error?.message}`, true)
  }
  for (const { listener, speaker, tracks } of evidence.hearings)
    for (const { fromMs, untilMs } of tracks) {
      add(fromMs, `${listener} is given the sound of ${speaker}`)
      add(untilMs, `${listener} no longer has the sound of ${speaker}`)
    }
  for (const { atMs, ms } of evidence.health.stalls) add(atMs, `the runner stood still for ${Math.round(ms)} ms`, true)
  for (const one of report.verdicts)
    if (one.outcome !== 'pass') add(one.at?.fromMs, `${nameOf(one)} ${one.outcome} (${one.measured ?? one.code})`, true)
  return all.sort((a, b) => a.atMs - b.atMs)
}

/** The same as text, a line each; what is amiss stands out by a `!`. */
export const timelineOf = (report: Report, evidence: Evidence): string =>
  [
    `${report.check}, run ${report.runId}, ${report.startedAt}: ${report.outcome}${report.isPartial ? `, cut short (${report.cutShort})` : ''}`,
    ...happeningsOf(report, evidence).map(
      ({ atMs, text, isProblem }) =>
        `${(atMs / 1000).toFixed(2).padStart(8)} s ${isProblem ? '!' : ' '} ${text.replace(/\s+/g, ' ')}`,
    ),
    '',
  ].join('\n')

/** The loudest of each of `count` equal parts of the run, 0 (-60 dBFS or less) to 1 (full scale). */
export const waveformOf = (pieces: readonly SoundPiece[], durationMs: number, count: number): number[] => {
  const { fromMs, db } = levelLineOf(pieces)
  const columns = new Array<number>(count).fill(0)
  for (let i = 0; i < db.length; i++) {
    const column = Math.floor(((fromMs + i * 10) / durationMs) * count)
    if (column >= 0 && column < count)
      columns[column] = Math.max(columns[column]!, Math.min(1, Math.max(0, 1 + db[i]! / 60)))
  }
  return columns
}
