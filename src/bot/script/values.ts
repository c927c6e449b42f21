import { z } from 'zod'
import { lineSchema } from '../../protocol/line.ts'
import { meant, quoted } from './problem.ts'
import { dbOf, TIME_PATTERN, TIME_WANTED, timeMsOf } from './times.ts'

// The values of a script's keys. Messages are whole sentences: they are all that a person sees.

/** Keys that are known, and no others; a wrong one is told with what it may have meant. */
export const keys = <S extends z.ZodRawShape>(of: string, shape: S) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${quoted(key)} is no key of ${of}:${meant(key, Object.keys(shape))}`).join('\n')
        : undefined,
  })

const words = z.union([z.string(), z.number()])

/** Milliseconds. A number has no unit, and is refused, but for 0. */
export const time = words
  .transform((value, context) => {
    const ms = timeMsOf(value)
    if (ms !== undefined) return ms
    const remedy = typeof value === 'number' ? `write ${value}s, ${value}m or 0:${String(value).padStart(2, '0')}` : ''
    context.addIssue(`${quoted(value)} is no time: ${remedy || TIME_WANTED}`)
    return z.NEVER
  })
  .meta({ pattern: TIME_PATTERN, examples: ['1:30', '90s', '1h30m'] })

/** A time that lies before or after something, however its sign is written: `opens: -5m`, `closes: +10m`. */
export const distance = words
  .transform((value, context) => {
    const ms = timeMsOf(typeof value === 'string' ? value.replace(/^[+-]/, '') : value)
    if (ms !== undefined) return ms
    context.addIssue(`${quoted(value)} is no time: ${TIME_WANTED}`)
    return z.NEVER
  })
  .meta({ examples: ['-5m', '10m'] })

export const decibels = words
  .transform((value, context) => {
    const db = dbOf(value)
    if (db !== undefined && db >= -60 && db <= 20) return db
    context.addIssue(`${quoted(value)} is no level: decibels from -60dB to 20dB`)
    return z.NEVER
  })
  .meta({ examples: ['-3dB'] })

/** What a name looks like that is typed in commands. */
const NAME = /^[a-z][a-z0-9_-]{0,39}$/i
export const name = z
  .string()
  .regex(NAME, { error: ({ input }) => `${quoted(input)} is no name: letters, digits and hyphens, a letter first` })
export const isName = (text: string): boolean => NAME.test(text)

export const line = (maxCharacters: number) => lineSchema(maxCharacters)
export const path = z.string().min(1, 'the name of a file is empty').max(4000)
/** One of something, or a list of them. */
export const listOf = <T extends z.ZodType>(of: T) => z.union([of, z.array(of).min(1, 'the list is empty').max(1000)])
export const asList = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : ([value].flat() as T[]))
