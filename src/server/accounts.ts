import { apiError } from '../protocol/errors.ts'
import { accountHandlers } from './api/accounts.ts'
import { loginHandlers } from './api/logins.ts'
import { sessionHandlers } from './api/sessions.ts'
import { tokenHandlers } from './api/tokens.ts'
import type { Caller, Handlers } from './call.ts'
import type { Deps } from './deps.ts'
import { isInRanges } from './domain/address.ts'
import { callerOfToken } from './domain/bot-tokens.ts'
import { checkKey } from './domain/key-check.ts'
import { tokenKind } from './domain/opaque-token.ts'
import { readPhone } from './domain/phone.ts'
import { callerOfSession } from './domain/sessions.ts'
import type { ServerKey } from './key.ts'
import type { SmsDoor } from './sms.ts'

/** The routes that accounts serve; the room plane serves the rest. */
export type AccountRouteName =
  | 'server'
  | 'startLogin'
  | 'verifyLogin'
  | 'refreshSession'
  | 'listSessions'
  | 'revokeSession'
  | 'revokeSessions'
  | 'me'
  | 'editMe'
  | 'createToken'
  | 'listTokens'
  | 'revokeToken'

export type AccountDeps = Deps & { key: ServerKey; sms: SmsDoor }

/** Told after a session was revoked; `sessionId` null: all of the account, or its bot token. */
export type RevocationListener = (accountId: string, sessionId: string | null) => Promise<void>

export type Accounts = {
  handlers: Pick<Handlers, Exclude<AccountRouteName, 'server'>>
  authenticate(token: string): Promise<Caller>
  onSessionRevoked(listener: RevocationListener): void
}

/** Logins, sessions and access tokens. Error codes: `wrong-key`, `bad-input`. */
export const startAccounts = async (
  deps: AccountDeps,
  { operatorPhone }: { operatorPhone?: string },
): Promise<Accounts> => {
  await checkKey(deps.store, deps.key, deps.now())
  isInRanges('127.0.0.1', deps.settings.sharedAddresses)
  const operatorHash = operatorPhone === undefined ? null : deps.key.hash('phone', readOperator(operatorPhone))
  let revoked: RevocationListener = async () => {}
  const tell: RevocationListener = (accountId, sessionId) => revoked(accountId, sessionId)
  return {
    handlers: {
      ...loginHandlers(deps, (phoneHash) => phoneHash === operatorHash, tell),
      ...sessionHandlers(deps, tell),
      ...accountHandlers(deps),
      ...tokenHandlers(deps, tell),
    },
    authenticate: async (token) => {
      const kind = tokenKind(token)
      if (kind === 'bot') return callerOfToken(deps, token)
      if (kind === 'access') return callerOfSession(deps, token)
      throw apiError('sign-in-needed', 'This is not an access token of roomtone.')
    },
    onSessionRevoked: (listener) => {
      revoked = listener
    },
  }
}

const readOperator = (phone: string): string => {
  try {
    return readPhone(phone, { countries: null, refusedNumberTypes: [], refusedPrefixes: [] }).e164
  } catch {
    throw Object.assign(new Error('The operator is named by a phone number like +49 151 23456789.'), {
      code: 'bad-input',
    })
  }
}
