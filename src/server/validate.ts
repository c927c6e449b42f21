import type { z } from 'zod'
import { apiError } from '../protocol/errors.ts'

/** The checked value; what does not fit is a `bad-request` that names the field. `where`: the whole, when no field is to blame. */
export const validate = (schema: z.ZodType | undefined, value: unknown, where: 'body' | 'query'): unknown => {
  if (!schema) return refuseContent(value, where)
  const result = schema.safeParse(value ?? (where === 'query' ? {} : undefined))
  if (result.success) return result.data
  const issue = result.error.issues[0] as z.core.$ZodIssue
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const field = [...path, issue.keys[0] as string].join('.')
    throw apiError('bad-request', `Unknown field ${JSON.stringify(field)}.`, { field })
  }
  if (path.length === 0 && value === undefined)
    throw apiError('bad-request', 'A JSON body is needed.', { field: where })
  const field = path.join('.') || where
  throw apiError('bad-request', `${field}: ${issue.message}.`, { field })
}

const refuseContent = (value: unknown, where: string): undefined => {
  const isEmpty = value === undefined || value === null || (isObject(value) && Object.keys(value).length === 0)
  if (isEmpty) return undefined
  const field = isObject(value) ? (Object.keys(value)[0] as string) : where
  throw apiError('bad-request', `Unknown field ${JSON.stringify(field)}.`, { field })
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
