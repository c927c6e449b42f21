import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { credentialsSchema, type Credentials as SignIn } from '../protocol/accounts.ts'
import { isApiError } from '../protocol/errors.ts'
import { withLock, writeWhole } from './shared-file.ts'

export type { SignIn }

/** Trades a refresh token for new tokens at the server; throws its error codes. */
type TradeRefreshToken = (refreshToken: string, tradeId: string) => Promise<SignIn>

export type Credentials = {
  /** The access token to send, if there is one. */
  token(): Promise<string | undefined>
  /** Another token than `stale`: one that another process has already got, or a new one; undefined: sign in again. */
  refresh(stale: string, trade: TradeRefreshToken): Promise<string | undefined>
  /** What a login or a refresh gave. */
  load(): Promise<SignIn | undefined>
  save(signIn: SignIn): Promise<void>
  clear(): Promise<void>
}

/** Nobody is signed in, and nothing is kept. */
export const noCredentials = (): Credentials => tokenCredentials(undefined)

/** A bot's access token, which never expires by itself. */
export const tokenCredentials = (token: string | undefined): Credentials => ({
  token: async () => token,
  refresh: async () => undefined,
  load: async () => undefined,
  save: async () => {},
  clear: async () => {},
})

/**
 * A sign-in kept in one file that only its owner can read. Refresh tokens are single use, and a second use revokes
 * the session, so a refresh holds a lock that all processes respect and looks at the file again once it has it.
 * A file that is no sign-in is an error with code `bad-config`, and is left as it is.
 */
export const fileCredentials = (file: string): Credentials => {
  const load = () => readSignIn(file)
  return {
    load,
    token: async () => (await load())?.accessToken,
    save: (signIn) => withLock(file, () => writeWhole(file, signIn)),
    clear: () => withLock(file, () => rm(file, { force: true })),
    refresh: (stale, trade) =>
      withLock(file, async () => {
        const kept = await load()
        if (!kept || kept.accessToken !== stale) return kept?.accessToken
        // Kept before it is asked for: where the answer is lost, in a cut say, the same trade is asked for again.
        const tradeId = kept.tradeId ?? randomUUID()
        if (kept.tradeId === undefined) await writeWhole(file, { ...kept, tradeId })
        try {
          const fresh = await trade(kept.refreshToken, tradeId)
          await writeWhole(file, fresh)
          return fresh.accessToken
        } catch (error) {
          if (!isOver(error)) throw error
          await rm(file, { force: true })
          return undefined
        }
      }),
  }
}

/** With the trade that was begun and not answered, if there is one. */
type KeptSignIn = SignIn & { tradeId?: string }
const keptSchema = credentialsSchema.extend({ tradeId: z.uuid().optional() })

const isOver = (error: unknown) =>
  isApiError(error) && (error.code === 'sign-in-needed' || error.code === 'token-reused')

const readSignIn = async (file: string): Promise<KeptSignIn | undefined> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw badConfig(`The sign-in in ${file} cannot be read: ${error.message}.`)
  })
  if (text === undefined) return undefined
  const signIn = keptSchema.safeParse(parseJson(text))
  if (!signIn.success) throw badConfig(`The file ${file} is damaged; delete it and sign in again.`)
  return signIn.data
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const badConfig = (message: string) => Object.assign(new Error(message), { code: 'bad-config' })
