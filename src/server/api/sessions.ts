import { apiError } from '../../protocol/errors.ts'
import type { RevocationListener } from '../accounts.ts'
import type { Handlers } from '../call.ts'
import type { Deps } from '../deps.ts'
import { listSessions, refreshSession, revokeSession, revokeSessions } from '../domain/sessions.ts'

export const sessionHandlers = (
  deps: Deps,
  tellRevoked: RevocationListener,
): Pick<Handlers, 'refreshSession' | 'listSessions' | 'revokeSession' | 'revokeSessions'> => ({
  refreshSession: async ({ body }) => {
    const outcome = await refreshSession(deps, body)
    if (outcome.status === 'refreshed') return { ...outcome.credentials, isNew: false }
    deps.log('warn', 'refresh-token-reused', { accountId: outcome.accountId, sessionId: outcome.sessionId })
    await tellRevoked(outcome.accountId, outcome.sessionId)
    throw apiError('token-reused', 'This sign-in was used from two places and is revoked; sign in again.')
  },
  listSessions: async ({ caller }) => ({ sessions: await listSessions(deps, caller) }),
  revokeSession: async ({ params, caller }) => {
    const sessionId = params.sessionId === 'current' ? (caller.sessionId as string) : params.sessionId
    await revokeSession(deps, caller.account.id, sessionId)
    await tellRevoked(caller.account.id, sessionId)
  },
  revokeSessions: async ({ caller }) => {
    await revokeSessions(deps, caller.account.id)
    await tellRevoked(caller.account.id, null)
  },
})
