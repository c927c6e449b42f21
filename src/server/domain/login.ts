import { sql, type Transaction } from 'kysely'
import type { Credentials, LoginStarted, StartLogin, VerifyLogin } from '../../protocol/accounts.ts'
import { apiError } from '../../protocol/errors.ts'
import type { AccountDeps } from '../accounts.ts'
import type { Database } from '../tables.ts'
import { findOrCreatePerson } from './account.ts'
import { addressScope, isInRanges } from './address.ts'
import { decideLogin, type LoginCounts } from './login-limits.ts'
import { type Phone, readPhone } from './phone.ts'
import { randomId, randomInt } from './random.ts'
import { createSession } from './sessions.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
// Taken while logins are counted and one is added, so that parallel requests cannot pass a limit together.
const limitsLock = 7_205_182

/** Sends a code. The answer and its timing are the same for every number (R12). */
export const startLogin = async (
  deps: AccountDeps,
  { phone: text }: StartLogin,
  address: string,
): Promise<LoginStarted> => {
  const { settings, store, key, log } = deps
  const phone = readPhone(text, settings)
  const now = deps.now()
  const code = String(randomInt(1_000_000, deps.randomBytes)).padStart(6, '0')
  const row = {
    id: randomId(deps.randomBytes),
    phone_hash: key.hash('phone', phone.e164),
    address_hash: key.hash('address', addressScope(address)),
    prefix_hash: key.hash('prefix', phone.prefix),
    country: phone.country,
    created_at: now,
    expires_at: now + settings.codeTtlMs,
  }
  const decision = await store.transaction(async (trx) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(limitsLock)})`.execute(trx)
    await trx
      .deleteFrom('login')
      .where('created_at', '<', now - dayMs - hourMs)
      .execute()
    const known = await trx
      .selectFrom('account')
      .select('id')
      .where('phone_hash', '=', row.phone_hash)
      .executeTakeFirst()
    const isSharedAddress = isInRanges(address, settings.sharedAddresses)
    const decided = decideLogin(await countLogins(trx, row, now), { now, isKnown: !!known, isSharedAddress }, settings)
    if (decided.outcome === 'refuse') return decided
    const code_hash = hashCode(deps, row.id, code)
    await trx
      .insertInto('login')
      .values({ ...row, code_hash, tries: 0, was_sent: decided.outcome === 'send', used_at: null })
      .execute()
    return decided
  })
  if (decision.outcome === 'refuse') {
    log('warn', 'login-refused', { limit: decision.limit, country: phone.country })
    const { retryAfterMs } = decision
    throw apiError('rate-limited', 'Too many codes were asked for; try again later.', { retryAfterMs })
  }
  if (decision.outcome === 'withhold') log('warn', 'login-withheld', { country: phone.country })
  else await sendCode(deps, row.id, phone, code)
  return {
    loginId: row.id,
    expiresAt: new Date(row.expires_at).toISOString(),
    resendAfterMs: settings.resendAfterMs,
  }
}

/** Trades a code for a session, once; of parallel tries with the right code one succeeds (R11). `ended`: older sessions that made room. */
export const verifyLogin = async (
  deps: AccountDeps,
  loginId: string,
  { code, name, client }: VerifyLogin,
  isOperator: (phoneHash: string) => boolean,
): Promise<{ credentials: Credentials; ended: string[] }> => {
  const { store, settings } = deps
  const now = deps.now()
  // Counted in a transaction of its own: a failure below must not give the try back.
  const login = await store.db
    .updateTable('login')
    .set({ tries: sql<number>`tries + 1` })
    .where('id', '=', loginId)
    .where('used_at', 'is', null)
    .where('tries', '<', settings.codeTries)
    .where('expires_at', '>', now)
    .returning(['code_hash', 'phone_hash'])
    .executeTakeFirst()
  if (!login) throw expired()
  // Both are keyed hashes: comparing them tells nothing about the code.
  if (login.code_hash !== hashCode(deps, loginId, code.replace(/[\s-]/g, ''))) {
    throw apiError('wrong-code', 'This is not the code that was sent.', { field: 'code' })
  }
  return store.transaction(async (trx) => {
    const claimed = await trx
      .updateTable('login')
      .set({ used_at: now })
      .where('id', '=', loginId)
      .where('used_at', 'is', null)
      .returning('id')
      .executeTakeFirst()
    if (!claimed) throw expired()
    const { account, isNew } = await findOrCreatePerson(trx, deps, {
      phoneHash: login.phone_hash,
      name,
      isOperator: isOperator(login.phone_hash),
    })
    const { credentials, ended } = await createSession(trx, deps, account, client ?? '')
    return { credentials: { ...credentials, isNew }, ended }
  })
}

const expired = () => apiError('code-expired', 'This code is used up or too old; ask for a new one.', { field: 'code' })

const hashCode = ({ key }: AccountDeps, loginId: string, code: string): string => key.hash('code', `${loginId}:${code}`)

const countLogins = async (
  trx: Transaction<Database>,
  row: { phone_hash: string; address_hash: string; prefix_hash: string; country: string },
  now: number,
): Promise<LoginCounts> => {
  const ofNumber = sql`phone_hash = ${row.phone_hash}`
  const withinHour = sql`created_at > ${now - hourMs}`
  const { rows } = await sql<LoginCounts>`
    select
      max(created_at) filter (where ${ofNumber}) as "numberLastAt",
      count(*) filter (where ${ofNumber} and ${withinHour}) as "numberHour",
      count(*) filter (where ${ofNumber}) as "numberDay",
      count(*) filter (where address_hash = ${row.address_hash} and ${withinHour}) as "addressHour",
      count(*) filter (where prefix_hash = ${row.prefix_hash} and ${withinHour}) as "prefixHour",
      count(*) filter (where country = ${row.country}) as "countryDay",
      count(*) filter (where was_sent) as "messagesDay"
    from login where created_at > ${now - dayMs}`.execute(trx)
  return rows[0] as LoginCounts
}

const sendCode = async ({ sms, settings }: AccountDeps, id: string, phone: Phone, code: string): Promise<void> => {
  const minutes = Math.round(settings.codeTtlMs / 60_000)
  const sent = sms.send({
    id,
    to: phone.e164,
    text: `${code} is your roomtone code. It works for ${minutes} minutes. Do not share it.`,
  })
  // A gateway's slowness must not show in the answer; a local outbox is read right after it.
  if (sms.isLocal) await sent
}
