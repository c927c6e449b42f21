import type { Playing } from '../../protocol/program.ts'
import type { SessionProgram } from '../program/contract.ts'

type Now = NonNullable<ReturnType<SessionProgram['position']>['playing']>

/** What faces are told: instants in place of session time, none for an end that moves while the program is paused. */
export const playingAt = (playing: Now | null, programMs: number, nowMs: number, isPaused: boolean): Playing | null => {
  if (!playing) return null
  const { kind, title, artist, startedMs, untilMs } = playing
  return {
    ...{ kind, title, artist, isPaused },
    startedAt: instant(nowMs - (programMs - startedMs)),
    until: untilMs === null || isPaused ? null : instant(nowMs + untilMs - programMs),
  }
}

/** Before its time a room waits in silence. */
export const waitingUntil = (startMs: number, sinceMs: number): Playing => ({
  ...{ kind: 'silence', title: null, artist: null, isPaused: false },
  startedAt: instant(sinceMs),
  until: instant(startMs),
})

/** The clocks of two looks differ by a frame or two; that is no news. */
const SAME_MS = 400

/** Whether there is nothing new for anybody in it. */
export const isSamePlaying = (a: Playing | null, b: Playing | null): boolean => {
  if (!a || !b) return a === b
  return (
    a.kind === b.kind &&
    a.title === b.title &&
    a.artist === b.artist &&
    a.isPaused === b.isPaused &&
    isSameInstant(a.until, b.until) &&
    (a.isPaused || isSameInstant(a.startedAt, b.startedAt))
  )
}

const instant = (ms: number) => new Date(Math.round(ms)).toISOString()
const isSameInstant = (a: string | null, b: string | null) =>
  a === null || b === null ? a === b : Math.abs(Date.parse(a) - Date.parse(b)) <= SAME_MS
