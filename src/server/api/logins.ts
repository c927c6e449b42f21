import type { AccountDeps, RevocationListener } from '../accounts.ts'
import type { Handlers } from '../call.ts'
import { startLogin, verifyLogin } from '../domain/login.ts'

export const loginHandlers = (
  deps: AccountDeps,
  isOperator: (phoneHash: string) => boolean,
  tellRevoked: RevocationListener,
): Pick<Handlers, 'startLogin' | 'verifyLogin'> => ({
  startLogin: ({ body, address }) => startLogin(deps, body, address),
  verifyLogin: async ({ params, body }) => {
    const { credentials, ended } = await verifyLogin(deps, params.loginId, body, isOperator)
    const { account, sessionId, isNew } = credentials
    deps.log('info', 'signed-in', { accountId: account.id, sessionId, isNew })
    for (const endedId of ended) await tellRevoked(account.id, endedId)
    return credentials
  },
})
