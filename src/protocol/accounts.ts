import { z } from 'zod'
import { lineSchema } from './line.ts'

/** Instants cross the wire as ISO 8601 in UTC. */
export const instantSchema = z.iso.datetime()

/** A handle as stored: lower case, no leading @. */
export const handleSchema = z.string().regex(/^[a-z0-9_]{2,30}$/)
export const nameSchema = lineSchema(60)

export const accountSchema = z.object({
  id: z.uuid(),
  handle: handleSchema,
  name: z.string(),
  kind: z.enum(['person', 'bot']),
  isOperator: z.boolean(),
})
export type Account = z.infer<typeof accountSchema>

/** E.164 with a leading plus; spaces, dots, dashes and brackets are accepted and dropped. */
export const startLoginSchema = z.strictObject({ phone: z.string().min(3).max(40) })
export type StartLogin = z.infer<typeof startLoginSchema>

/** The same answer for every number (R12). */
export const loginStartedSchema = z.object({
  loginId: z.uuid(),
  expiresAt: instantSchema,
  resendAfterMs: z.number().int(),
})
export type LoginStarted = z.infer<typeof loginStartedSchema>

export const verifyLoginSchema = z.strictObject({
  code: z.string().min(1).max(20),
  name: nameSchema.optional(),
  /** Shown in the list of sessions, e.g. `roomtone 0.1.0 on linux`. */
  client: lineSchema(80).optional(),
})
export type VerifyLogin = z.infer<typeof verifyLoginSchema>

export const credentialsSchema = z.object({
  accessToken: z.string(),
  accessExpiresAt: instantSchema,
  refreshToken: z.string(),
  sessionId: z.uuid(),
  account: accountSchema,
  /** True when this login made the account. */
  isNew: z.boolean(),
})
export type Credentials = z.infer<typeof credentialsSchema>

export const refreshSchema = z.strictObject({
  refreshToken: z.string().min(1).max(200),
  /**
   * Chosen by the client for one trade, and kept until its answer is: the same trade asked for again, because the answer
   * was lost, is answered anew. Without it a second showing of the refresh token ends the session.
   */
  tradeId: z.uuid().optional(),
})

export const editAccountSchema = z.strictObject({ name: nameSchema })

const sessionSchema = z.object({
  id: z.uuid(),
  client: z.string(),
  createdAt: instantSchema,
  lastUsedAt: instantSchema,
  isCurrent: z.boolean(),
})
export type Session = z.infer<typeof sessionSchema>
export const sessionsSchema = z.object({ sessions: z.array(sessionSchema) })

export const createTokenSchema = z.strictObject({ name: lineSchema(40) })
/** `token` is shown once, at creation. */
export const createdTokenSchema = z.object({ name: z.string(), token: z.string(), account: accountSchema })
export type CreatedToken = z.infer<typeof createdTokenSchema>
const accessTokenSchema = z.object({
  name: z.string(),
  handle: handleSchema,
  createdAt: instantSchema,
  lastUsedAt: instantSchema.nullable(),
})
export type AccessToken = z.infer<typeof accessTokenSchema>
export const accessTokensSchema = z.object({ tokens: z.array(accessTokenSchema) })
