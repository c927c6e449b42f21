/** What can go wrong across the wire. The server maps each to an HTTP status, the CLI to an exit code and a sentence. */
export const errorCodes = [
  'bad-request', // the body, query or a header does not fit; `field` names the culprit
  'too-large',
  'sign-in-needed', // no token, or one that this server never gave or has revoked
  'token-expired', // an access token past its hour: refresh it
  'token-reused', // a refresh token shown twice: the whole session is revoked
  'wrong-code', // the phone code does not match
  'code-expired', // used up, too many tries, or older than ten minutes
  'rate-limited', // `retryAfterMs` says when
  'not-allowed', // the room's or the house's rules
  'recording-off', // the room does not allow recording
  'hands-off', // the room takes no hands
  'kicked', // removed from this room by a moderator
  'not-found',
  'not-in-room', // a call of a participant by somebody who is not in the room
  'seat-replaced', // another seat of the same person took this one's place
  'room-ended',
  'room-full',
  'conflict', // the state does not allow it now, e.g. accept without an invitation
  'media-unavailable', // the media server cannot be reached
  'unavailable',
  'internal',
] as const
export type ErrorCode = (typeof errorCodes)[number]

export type ApiError = Error & { code: ErrorCode; field?: string; retryAfterMs?: number }

export const apiError = (
  code: ErrorCode,
  message: string,
  more: { field?: string; retryAfterMs?: number } = {},
): ApiError => Object.assign(new Error(message), { code, ...more })

export const isApiError = (error: unknown): error is ApiError =>
  error instanceof Error && errorCodes.includes((error as { code?: unknown }).code as ErrorCode)
