import type { RevocationListener } from '../accounts.ts'
import type { Handlers } from '../call.ts'
import type { Deps } from '../deps.ts'
import { createToken, listTokens, revokeToken } from '../domain/bot-tokens.ts'

export const tokenHandlers = (
  deps: Deps,
  tellRevoked: RevocationListener,
): Pick<Handlers, 'createToken' | 'listTokens' | 'revokeToken'> => ({
  createToken: ({ body, caller }) => createToken(deps, caller.account.id, body.name),
  listTokens: async ({ caller }) => ({ tokens: await listTokens(deps, caller.account.id) }),
  revokeToken: async ({ params, caller }) => {
    await tellRevoked(await revokeToken(deps, caller.account.id, params.name), null)
  },
})
