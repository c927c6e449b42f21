import { type ErrorCode, isApiError } from '../protocol/errors.ts'
import type { Problem } from '../protocol/problem.ts'

const statusOf: Record<ErrorCode, number> = {
  'bad-request': 400,
  'too-large': 413,
  'sign-in-needed': 401,
  'token-expired': 401,
  'token-reused': 401,
  'wrong-code': 403,
  'code-expired': 410,
  'rate-limited': 429,
  'not-allowed': 403,
  'recording-off': 403,
  'hands-off': 403,
  kicked: 403,
  'not-found': 404,
  'not-in-room': 403,
  'seat-replaced': 409,
  'room-ended': 410,
  'room-full': 409,
  conflict: 409,
  'media-unavailable': 503,
  unavailable: 503,
  internal: 500,
}

/** The RFC 9457 problem document of an error; what is not one of ours tells nothing but that it failed. */
export const problemOf = (error: unknown): Problem => {
  if (isApiError(error)) {
    const { code, message, field, retryAfterMs } = error
    return problem(code, statusOf[code], { detail: message, field, retryAfterMs })
  }
  const reason = storeTrouble(error as { code?: unknown; message?: unknown } | null)
  if (reason) return problem('unavailable', 503, { detail: reason })
  const status = (error as { statusCode?: number })?.statusCode ?? 500
  if (status === 413) return problem('too-large', 413, { detail: 'The body is too large.', field: 'body' })
  if (status === 415)
    return problem('bad-request', 415, { detail: 'Send the body as application/json.', field: 'content-type' })
  if (status >= 400 && status < 500) return problem('bad-request', status, { detail: 'The request is malformed.' })
  return problem('internal', 500, { detail: 'The server failed; its log says why.' })
}

// PostgreSQL, appendix A: class 53 insufficient resources, 08 connection, 57P operator intervention; and Node's own.
const storeTrouble = (error: { code?: unknown; message?: unknown } | null): string | null => {
  const { code = '', message = '' } = error ?? {}
  if (wordsOfPg.test(String(message))) return noAnswer
  if (typeof code !== 'string') return null
  if (code === '53100' || code === 'ENOSPC') return 'The disk of the server is full.'
  // Classes 28 and 3D: it knows us no more, or was dropped.
  if (/^(28...|3D...)$/.test(code)) return 'The database of the server refuses it.'
  return /^(53...|08...|57P..|55P03|25P03|ECONN[A-Z]+|EPIPE|ETIMEDOUT)$/.test(code) ? noAnswer : null
}

const noAnswer = 'The database of the server does not answer.'

// What pg and its pool say without a code of a connection that is gone, or is not to be had.
const wordsOfPg = /^(Connection terminated|timeout (expired$|exceeded when trying to connect))|is not queryable$/

const problem = (code: ErrorCode, status: number, more: Partial<Problem>): Problem => ({
  type: `urn:roomtone:${code}`,
  title: code.replaceAll('-', ' '),
  status,
  code,
  ...more,
})
