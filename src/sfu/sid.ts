import { randomBytes } from 'node:crypto'

/** LiveKit's ids: a prefix that tells the kind, then twelve random characters. */
export const newSid = (prefix: 'RM' | 'PA' | 'TR' | 'EV'): string =>
  `${prefix}_${randomBytes(9).toString('base64url').replace(/[-_]/g, 'x')}`
