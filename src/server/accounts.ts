import { apiError } from '../protocol/errors.ts'
import type { AccountRouteName } from './api/account-routes.ts'
import type { Caller, Handlers } from './call.ts'
import type { Deps } from './deps.ts'
import type { ServerKey } from './key.ts'
import type { SmsDoor } from './sms.ts'

export type AccountDeps = Deps & { key: ServerKey; sms: SmsDoor }
export type Accounts = {
  handlers: Pick<Handlers, Exclude<AccountRouteName, 'server'>>
  authenticate(token: string): Promise<Caller>
  onSessionRevoked(listener: (accountId: string, sessionId: string | null) => Promise<void>): void
  close(): Promise<void>
}

export const startAccounts = async (_deps: AccountDeps, _options: { operatorPhone?: string }): Promise<Accounts> => ({
  handlers: {} as Accounts['handlers'],
  authenticate: async () => {
    throw apiError('sign-in-needed', 'Sign in first.')
  },
  onSessionRevoked: () => {},
  close: async () => {},
})
