import { sql, type Transaction } from 'kysely'
import type { Account, Credentials, Session } from '../../protocol/accounts.ts'
import { apiError } from '../../protocol/errors.ts'
import type { Caller } from '../call.ts'
import type { Deps } from '../deps.ts'
import type { Database } from '../tables.ts'
import { accountOf } from './account.ts'
import { hashToken, makeToken } from './opaque-token.ts'
import { randomId } from './random.ts'

const dayMs = 86_400_000
// A session's last use is written at most this often.
const lastUsedStepMs = 60_000

export type SessionCredentials = Omit<Credentials, 'isNew'>

/** Opens a session; beyond the house's bound the ones longest unused end: `ended`. */
export const createSession = async (
  trx: Transaction<Database>,
  deps: Deps,
  account: Account,
  client: string,
): Promise<{ credentials: SessionCredentials; ended: string[] }> => {
  const now = deps.now()
  const refresh = makeToken('refresh', deps.randomBytes)
  const sessionId = randomId(deps.randomBytes)
  const ended = await endOldest(trx, deps, account.id)
  await trx
    .insertInto('session')
    .values({
      id: sessionId,
      account_id: account.id,
      client,
      refresh_hash: refresh.hash,
      refresh_expires_at: now + deps.settings.refreshTtlMs,
      created_at: now,
      last_used_at: now,
    })
    .execute()
  const access = await addAccess(trx, deps, sessionId)
  return { credentials: { ...access, refreshToken: refresh.token, sessionId, account }, ended }
}

export type RefreshOutcome =
  | { status: 'refreshed'; credentials: SessionCredentials }
  | { status: 'reused'; accountId: string; sessionId: string }

/**
 * Trades a refresh token for the next ones. A token traded before means that somebody else has a copy, and the session
 * is revoked, unless the very same trade is asked for again before the token that it gave was traded. Throws
 * `sign-in-needed` for a foreign token, `token-expired` for one past its time.
 */
export const refreshSession = async (
  deps: Deps,
  { refreshToken, tradeId }: { refreshToken: string; tradeId?: string },
): Promise<RefreshOutcome> => {
  const hash = hashToken(refreshToken)
  const tradeHash = tradeId === undefined ? null : hashToken(tradeId)
  return deps.store.transaction(async (trx) => {
    const now = deps.now()
    const session = await trx
      .selectFrom('session')
      .innerJoin('account', 'account.id', 'session.account_id')
      .select(['account.id', 'handle', 'name', 'kind', 'is_operator', 'session.id as session_id', 'refresh_expires_at'])
      .where((is) =>
        is.or([
          is('session.refresh_hash', '=', hash),
          is(
            'session.refresh_hash',
            '=',
            is
              .selectFrom('session_spent')
              .select('next_hash')
              .where('session_spent.refresh_hash', '=', hash)
              .where('trade_hash', '=', tradeHash),
          ),
        ]),
      )
      .forUpdate('session')
      .executeTakeFirst()
    if (!session) return revokeReused(trx, hash)
    if (session.refresh_expires_at <= now) throw apiError('token-expired', 'This sign-in has expired; sign in again.')
    const next = makeToken('refresh', deps.randomBytes)
    await trx
      .updateTable('session')
      .set({ refresh_hash: next.hash, refresh_expires_at: now + deps.settings.refreshTtlMs, last_used_at: now })
      .where('id', '=', session.session_id)
      .execute()
    await trx
      .insertInto('session_spent')
      .values({
        refresh_hash: hash,
        session_id: session.session_id,
        spent_at: now,
        trade_hash: tradeHash,
        next_hash: next.hash,
      })
      .onConflict((conflict) => conflict.column('refresh_hash').doUpdateSet({ next_hash: next.hash }))
      .execute()
    await trx
      .deleteFrom('session_access')
      .where('session_id', '=', session.session_id)
      .where('expires_at', '<', now - dayMs)
      .execute()
    const access = await addAccess(trx, deps, session.session_id)
    const credentials = {
      ...access,
      refreshToken: next.token,
      sessionId: session.session_id,
      account: accountOf(session),
    }
    return { status: 'refreshed', credentials }
  })
}

/** Who an access token belongs to. Throws `token-expired` past its hour, else `sign-in-needed`. */
export const callerOfSession = async ({ store, now }: Deps, token: string): Promise<Caller> => {
  const row = await store.db
    .selectFrom('session_access')
    .innerJoin('session', 'session.id', 'session_access.session_id')
    .innerJoin('account', 'account.id', 'session.account_id')
    .select([
      'account.id',
      'handle',
      'name',
      'kind',
      'is_operator',
      'session.id as session_id',
      'last_used_at',
      'expires_at',
    ])
    .where('session_access.hash', '=', hashToken(token))
    .executeTakeFirst()
  if (!row) throw apiError('sign-in-needed', 'This sign-in is not valid here, or was revoked; sign in again.')
  const at = now()
  if (row.expires_at <= at) throw apiError('token-expired', 'The access token has expired; refresh it.')
  if (at - row.last_used_at > lastUsedStepMs) {
    await store.db.updateTable('session').set({ last_used_at: at }).where('id', '=', row.session_id).execute()
  }
  return { account: accountOf(row), sessionId: row.session_id, tokenId: null, ownerId: null }
}

/** Newest first. */
export const listSessions = async ({ store, now }: Deps, { account, sessionId }: Caller): Promise<Session[]> => {
  const rows = await store.db
    .selectFrom('session')
    .selectAll()
    .where('account_id', '=', account.id)
    .where('refresh_expires_at', '>', now())
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    client: row.client,
    createdAt: new Date(row.created_at).toISOString(),
    lastUsedAt: new Date(row.last_used_at).toISOString(),
    isCurrent: row.id === sessionId,
  }))
}

/** Ends one session of an account; throws `not-found`. */
export const revokeSession = async ({ store }: Deps, accountId: string, sessionId: string): Promise<void> => {
  const revoked = await store.db
    .deleteFrom('session')
    .where('id', '=', sessionId)
    .where('account_id', '=', accountId)
    .returning('id')
    .executeTakeFirst()
  if (!revoked) throw apiError('not-found', 'You have no such session.')
}

export const revokeSessions = async ({ store }: Deps, accountId: string): Promise<void> => {
  await store.db.deleteFrom('session').where('account_id', '=', accountId).execute()
}

// Makes room for one more, and forgets the expired.
const endOldest = async (trx: Transaction<Database>, { now, settings }: Deps, accountId: string): Promise<string[]> => {
  const rows = await trx
    .selectFrom('session')
    .select(['id', 'refresh_expires_at'])
    .where('account_id', '=', accountId)
    .orderBy('last_used_at', 'desc')
    .execute()
  const at = now()
  const live = rows.filter((row) => row.refresh_expires_at > at)
  const ended = live.slice(settings.sessionsPerAccount - 1).map((row) => row.id)
  const gone = [...ended, ...rows.filter((row) => row.refresh_expires_at <= at).map((row) => row.id)]
  if (gone.length > 0) await trx.deleteFrom('session').where('id', 'in', gone).execute()
  return ended
}

const addAccess = async (trx: Transaction<Database>, deps: Deps, sessionId: string) => {
  const access = makeToken('access', deps.randomBytes)
  const expiresAt = deps.now() + deps.settings.accessTtlMs
  await trx
    .insertInto('session_access')
    .values({ hash: access.hash, session_id: sessionId, expires_at: expiresAt })
    .execute()
  return { accessToken: access.token, accessExpiresAt: new Date(expiresAt).toISOString() }
}

// Returns instead of throwing: throwing would roll the revocation back.
const revokeReused = async (trx: Transaction<Database>, hash: string): Promise<RefreshOutcome> => {
  const { rows } = await sql<{ id: string; account_id: string }>`
    delete from session using session_spent
    where session_spent.refresh_hash = ${hash} and session.id = session_spent.session_id
    returning session.id, session.account_id`.execute(trx)
  const [session] = rows
  if (!session) throw apiError('sign-in-needed', 'This sign-in is not valid here, or was revoked; sign in again.')
  return { status: 'reused', accountId: session.account_id, sessionId: session.id }
}
