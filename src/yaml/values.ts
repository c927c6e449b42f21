import { z } from 'zod'
import { lineSchema } from '../protocol/line.ts'
import { meant, quoted } from './problem.ts'
import { dbOf, TIME_PATTERN, timeMsOf } from './times.ts'

// The values of a script's keys. Messages are whole sentences: they are all that a person sees.

/** Keys that are known, and no others; a wrong one is told with what it may have meant. */
export const keys = <S extends z.ZodRawShape>(of: string, shape: S) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${quoted(key)} is no key of ${of}:${meant(key, Object.keys(shape))}`).join('\n')
        : undefined,
  })

const noTime = (value: unknown) =>
  typeof value === 'number'
    ? `${value} has no unit: write ${value}s, ${value}m or a time such as 1:30`
    : `${quoted(value)} is no time: write a time such as 1:30 (one minute thirty), 1:02:00, 90s or 1h30m`

const timeOf = (textOf: (text: string) => string) =>
  z.union([z.string(), z.literal(0)], { error: ({ input }) => noTime(input) }).transform((value, context) => {
    const ms = timeMsOf(typeof value === 'string' ? textOf(value) : value)
    if (ms !== undefined) return ms
    context.addIssue(noTime(value))
    return z.NEVER
  })

/** Milliseconds. A number has no unit, and is refused, but for 0. */
export const time = timeOf((text) => text).meta({ id: 'time', pattern: TIME_PATTERN })

/** A time that lies before or after something, however its sign is written: `opens: -5m`, `closes: +10m`. */
export const distance = timeOf((text) => text.replace(/^[+-]/, '')).meta({ id: 'distance' })

export const decibels = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const db = dbOf(value)
    if (db !== undefined && db >= -60 && db <= 20) return db
    context.addIssue(`${quoted(value)} is no level: decibels from -60dB to 20dB`)
    return z.NEVER
  })
  .meta({ id: 'decibels' })

/** What a name looks like that is typed in commands. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/
export const name = z
  .string()
  .regex(NAME, { error: ({ input }) => `${quoted(input)} is no name: letters, digits and hyphens, a letter first` })
export const isName = (text: string): boolean => NAME.test(text)

export const line = (maxCharacters: number) => lineSchema(maxCharacters)
export const path = z.string().min(1, 'the name of a file is empty').max(4000)
/** One of something, or a list of them. */
export const listOf = <T extends z.ZodType>(of: T) => z.union([of, z.array(of).min(1, 'the list is empty').max(1000)])
export const asList = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : ([value].flat() as T[]))
