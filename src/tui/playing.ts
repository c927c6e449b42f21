import type { Playing } from '../protocol/program.ts'
import { clockTime, count, secondsUntil } from './words.ts'

const lastMinuteMs = 60_000

/** `Morning raga - Anoushka`, `speech`, `silence`, `the floor is open`. */
export const playedWords = ({ kind, title, artist }: Playing): string => {
  if (kind === 'silence') return 'silence'
  if (kind === 'floor') return 'the floor is open'
  if (title === null && artist === null) return kind
  return [title, artist].filter((part) => part !== null).join(' - ')
}

/**
 * How long still: a time of day for what lasts by the clock, which stands still; else minutes, and seconds in the last one
 * where `hasSeconds`. Empty where it is not known.
 */
export const restWords = (playing: Playing, nowMs: number, hasSeconds = true): string => {
  const { kind, until, isPaused } = playing
  if (isPaused) return 'paused'
  if (until === null) return ''
  if (kind === 'silence' || kind === 'floor') return `until ${clockTime(until)}`
  const seconds = secondsUntil(until, nowMs)
  if (seconds === 0) return ''
  return hasSeconds && seconds <= 60 ? `${seconds} s left` : `${count(Math.ceil(seconds / 60), 'min', 'min')} left`
}

/** Both: `silence until 07:52`, `Morning raga - Anoushka, 4 min left`. */
export const playingWords = (playing: Playing, nowMs: number, hasSeconds = true): string => {
  const rest = restWords(playing, nowMs, hasSeconds)
  const what = playedWords(playing)
  if (rest === '') return what
  return rest.startsWith('until') ? `${what} ${rest}` : `${what}, ${rest}`
}

/** Whether seconds of it are shown now. */
export const countsDown = (playing: Playing | null, nowMs: number): boolean => {
  if (!playing || playing.isPaused || playing.until === null) return false
  const leftMs = Date.parse(playing.until) - nowMs
  return (playing.kind === 'sound' || playing.kind === 'speech') && leftMs > 0 && leftMs <= lastMinuteMs
}
