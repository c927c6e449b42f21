const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const DAY_MS = 86_400_000

/** As a regular expression for the JSON Schema. */
export const TIME_PATTERN = '^([0-9]+:)?[0-9]+:[0-5][0-9](\\.[0-9]{1,3})?$|^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$|^\\{.+\\}$'

/**
 * `1:30` (minutes and seconds), `1:02:00` (hours first), seconds with a fraction, or a duration such as `90s`, `8m`,
 * `1h30m`, in ms; 0 needs no unit. Undefined where it is none, or longer than a day.
 */
export const timeMsOf = (value: string | number): number | undefined => {
  if (value === 0 || value === '0') return 0
  if (typeof value === 'number' || value.length > 40) return undefined
  const ms = clockMs(value) ?? durationMs(value)
  return ms === undefined || ms > DAY_MS ? undefined : Math.round(ms)
}

const clockMs = (text: string): number | undefined => {
  const found = /^(?:(\d+):)?(\d+):([0-5]\d(?:\.\d{1,3})?)$/.exec(text)
  if (!found) return undefined
  const [, hours, minutes, seconds] = found
  if (hours !== undefined && Number(minutes) > 59) return undefined
  return Number(hours ?? 0) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000
}

const durationMs = (text: string): number | undefined => {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0)
}

/** Session time as the script says it: `1:30`, `1:02:00`, with tenths where it is no whole second. */
export const timeText = (ms: number): string => {
  const tenths = Math.round(ms / 100)
  const seconds = Math.floor(tenths / 10)
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (count: number) => String(count).padStart(2, '0')
  return `${h > 0 ? `${h}:${two(m)}` : m}:${two(s)}${tenths % 10 > 0 ? `.${tenths % 10}` : ''}`
}

/** `-3dB`, `+1.5 dB` or a plain number of decibels; undefined where it is none. */
export const dbOf = (value: string | number): number | undefined => {
  const text = typeof value === 'number' ? String(value) : value.trim()
  return /^[+-]?\d{1,3}(\.\d+)?( ?dB)?$/i.test(text) ? Number.parseFloat(text) : undefined
}
