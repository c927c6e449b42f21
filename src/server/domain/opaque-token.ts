import { createHash } from 'node:crypto'

/** `access` of a session, `refresh` of a session, `bot`: an access token. */
const prefixes = { access: 'rts_', refresh: 'rtr_', bot: 'rta_' } as const
export type TokenKind = keyof typeof prefixes

/** A token of 256 random bits; only its hash is stored. */
export const makeToken = (kind: TokenKind, randomBytes: (count: number) => Buffer): { token: string; hash: string } => {
  const token = prefixes[kind] + randomBytes(32).toString('base64url')
  return { token, hash: hashToken(token) }
}

// A plain hash is enough: 256 random bits cannot be guessed from it.
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('base64url')

export const tokenKind = (token: string): TokenKind | null =>
  (Object.keys(prefixes) as TokenKind[]).find((kind) => token.startsWith(prefixes[kind])) ?? null
