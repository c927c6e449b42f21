import type { AccountDeps } from '../accounts.ts'
import type { Handlers } from '../call.ts'
import { startLogin, verifyLogin } from '../domain/login.ts'

export const loginHandlers = (
  deps: AccountDeps,
  isOperator: (phoneHash: string) => boolean,
): Pick<Handlers, 'startLogin' | 'verifyLogin'> => ({
  startLogin: ({ body, address }) => startLogin(deps, body, address),
  verifyLogin: async ({ params, body }) => {
    const credentials = await verifyLogin(deps, params.loginId, body, isOperator)
    const { account, sessionId, isNew } = credentials
    deps.log('info', 'signed-in', { accountId: account.id, sessionId, isNew })
    return credentials
  },
})
