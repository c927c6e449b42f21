import { failure } from './failure.ts'

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

// What Node's timers can wait for; a longer one would end at once.
const MAX_MS = 24 * 86_400_000

/** `20s`, `5m`, `1h30m`, `500ms` -> milliseconds, at most 24 days. */
export const parseDurationMs = (text: string, option: string): number => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text)
    throw failure('bad-input', `${option} wants a duration such as 20s, 5m or 1h30m, not "${text}"`)
  const durationMs = Math.round(parts.reduce((sum, part) => sum + Number(part[1]) * unitMs[part[2] as string]!, 0))
  if (durationMs > MAX_MS) throw failure('bad-input', `${option} takes at most 24d, not "${text}"`)
  return durationMs
}
