import type { AccessToken, CreatedToken } from '../../protocol/accounts.ts'
import { apiError } from '../../protocol/errors.ts'
import type { Caller } from '../call.ts'
import type { Deps } from '../deps.ts'
import { accountOf, createBot } from './account.ts'
import { hashToken, makeToken } from './opaque-token.ts'

const lastUsedStepMs = 60_000

/** Makes a bot account and its token; a name revoked before gets its old account, and so its handle, back. */
export const createToken = async (deps: Deps, ownerId: string, name: string): Promise<CreatedToken> =>
  deps.store.transaction(async (trx) => {
    // Locks the owner: parallel requests cannot pass the bound or share a name.
    await trx.selectFrom('account').select('id').where('id', '=', ownerId).forUpdate().execute()
    const names = await trx.selectFrom('bot_token').select('name').where('owner_id', '=', ownerId).execute()
    if (names.some((token) => token.name === name)) {
      throw apiError('conflict', `You already have an access token named ${JSON.stringify(name)}.`, { field: 'name' })
    }
    if (names.length >= deps.settings.tokensPerAccount) {
      throw apiError('conflict', `You have ${names.length} access tokens, the most there may be; revoke one first.`)
    }
    const bots = await trx.selectFrom('account').selectAll().where('owner_id', '=', ownerId).execute()
    const retired = bots.find((bot) => bot.name === name)
    if (!retired && bots.length >= deps.settings.botsPerAccount)
      throw apiError('conflict', `You have made ${bots.length} bots, the most there may be; take an old one's name.`)
    const account = retired ? accountOf(retired) : await createBot(trx, deps, { name, ownerId })
    const { token, hash } = makeToken('bot', deps.randomBytes)
    await trx
      .insertInto('bot_token')
      .values({ account_id: account.id, owner_id: ownerId, name, hash, created_at: deps.now(), last_used_at: null })
      .execute()
    return { name, token, account }
  })

/** Oldest first. */
export const listTokens = async ({ store }: Deps, ownerId: string): Promise<AccessToken[]> => {
  const rows = await store.db
    .selectFrom('bot_token')
    .innerJoin('account', 'account.id', 'bot_token.account_id')
    .select(['bot_token.name', 'handle', 'bot_token.created_at', 'last_used_at'])
    .where('bot_token.owner_id', '=', ownerId)
    .orderBy('bot_token.created_at')
    .orderBy('bot_token.name')
    .execute()
  return rows.map((row) => ({
    name: row.name,
    handle: row.handle,
    createdAt: new Date(row.created_at).toISOString(),
    lastUsedAt: row.last_used_at === null ? null : new Date(row.last_used_at).toISOString(),
  }))
}

/** Revokes a token and returns its bot's account id; throws `not-found`. */
export const revokeToken = async ({ store }: Deps, ownerId: string, name: string): Promise<string> => {
  const revoked = await store.db
    .deleteFrom('bot_token')
    .where('owner_id', '=', ownerId)
    .where('name', '=', name)
    .returning('account_id')
    .executeTakeFirst()
  if (!revoked) throw apiError('not-found', `You have no access token named ${JSON.stringify(name)}.`)
  return revoked.account_id
}

/** Which bot calls with this token; throws `sign-in-needed`. */
export const callerOfToken = async ({ store, now }: Deps, token: string): Promise<Caller> => {
  const row = await store.db
    .selectFrom('bot_token')
    .innerJoin('account', 'account.id', 'bot_token.account_id')
    .select(['account.id', 'handle', 'account.name', 'kind', 'is_operator', 'bot_token.owner_id', 'last_used_at'])
    .where('hash', '=', hashToken(token))
    .executeTakeFirst()
  if (!row) throw apiError('sign-in-needed', 'This access token is not valid here, or was revoked.')
  const at = now()
  if (at - (row.last_used_at ?? 0) > lastUsedStepMs) {
    await store.db.updateTable('bot_token').set({ last_used_at: at }).where('account_id', '=', row.id).execute()
  }
  return { account: accountOf(row), sessionId: null, tokenId: row.id, ownerId: row.owner_id }
}
