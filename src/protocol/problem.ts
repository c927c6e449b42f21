import { z } from 'zod'
import { errorCodes } from './errors.ts'

/** RFC 9457 problem document. `type` is `urn:roomtone:` + code. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(errorCodes),
  detail: z.string().optional(),
  field: z.string().optional(),
  retryAfterMs: z.number().int().optional(),
})
export type Problem = z.infer<typeof problemSchema>
