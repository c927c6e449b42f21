/**
 * Wall time: what a clock on the wall and the calendar beside it say, without a zone. It is a number here: the milliseconds
 * since 1970 that UTC would have if its clocks said the same. Days, months and weekdays are then plain arithmetic.
 */

export const DAY_MS = 86_400_000

const dateTime = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/

/** `2027-03-01T07:00`, seconds optional; undefined if it is none, or if there is no such day or time. */
export const parseWallMs = (text: string): number | undefined => {
  const match = dateTime.exec(text)
  return match?.[4] === undefined ? undefined : wallOf(match)
}

/** `2027-03-01`: its midnight. */
export const parseDayMs = (text: string): number | undefined => {
  const match = dateTime.exec(text)
  return match === null || match[4] !== undefined ? undefined : wallOf(match)
}

/** `2027-03-01T07:00:00` */
export const wallText = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 19)

export const dayOf = (wallMs: number): number => Math.floor(wallMs / DAY_MS) * DAY_MS

/** Date.UTC reads the years before 100 as of the 20th century, and turns the 30th of February into a day of March. */
const wallOf = (match: RegExpExecArray): number | undefined => {
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0)) as Fields
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second)
  const isReal = year >= 1000 && month >= 1 && month <= 12 && hour < 24 && minute < 60 && second < 60
  return isReal && new Date(wallMs).getUTCDate() === day ? wallMs : undefined
}

type Fields = [number, number, number, number, number, number]
