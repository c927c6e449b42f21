import { z } from 'zod'
import { cleanLine } from './text.ts'

/** A one-line text of at most `maxCharacters` code points that is not empty once cleaned. */
export const lineSchema = (maxCharacters: number) =>
  z
    .string()
    .max(maxCharacters * 8)
    .transform(cleanLine)
    .refine((line) => line.length > 0, 'must not be empty')
    .refine((line) => [...line].length <= maxCharacters, `must have at most ${maxCharacters} characters`)
