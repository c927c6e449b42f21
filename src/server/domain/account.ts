import type { Insertable, Selectable, Transaction } from 'kysely'
import type { Account } from '../../protocol/accounts.ts'
import type { Deps } from '../deps.ts'
import type { Database } from '../tables.ts'
import { handlesFor, randomName } from './handle.ts'
import { randomId } from './random.ts'

type Row = Selectable<Database['account']>

export const accountOf = (row: Pick<Row, 'id' | 'handle' | 'name' | 'kind' | 'is_operator'>): Account => ({
  id: row.id,
  handle: row.handle,
  name: row.name,
  kind: row.kind,
  isOperator: row.is_operator,
})

/** The account of a number, made at its first login. */
export const findOrCreatePerson = async (
  trx: Transaction<Database>,
  deps: Deps,
  { phoneHash, name, isOperator }: { phoneHash: string; name: string | undefined; isOperator: boolean },
): Promise<{ account: Account; isNew: boolean }> => {
  const find = () => trx.selectFrom('account').selectAll().where('phone_hash', '=', phoneHash).executeTakeFirst()
  const found = await find()
  if (found) {
    if (isOperator && !found.is_operator) {
      await trx.updateTable('account').set({ is_operator: true }).where('id', '=', found.id).execute()
    }
    return { account: accountOf({ ...found, is_operator: found.is_operator || isOperator }), isNew: false }
  }
  const made = await insertWithHandle(trx, deps, {
    name: name ?? randomName(deps.randomBytes),
    kind: 'person',
    is_operator: isOperator,
    owner_id: null,
    phone_hash: phoneHash,
  })
  if (made) return { account: accountOf(made), isNew: true }
  // Another login of the same number made it meanwhile.
  return { account: accountOf((await find()) as Row), isNew: false }
}

/** Makes a bot account of `ownerId`. */
export const createBot = async (
  trx: Transaction<Database>,
  deps: Deps,
  { name, ownerId }: { name: string; ownerId: string },
): Promise<Account> => {
  const bot = { name, kind: 'bot', is_operator: false, owner_id: ownerId, phone_hash: null } as const
  return accountOf((await insertWithHandle(trx, deps, bot)) as Row)
}

type NewAccount = Omit<Insertable<Database['account']>, 'id' | 'handle' | 'created_at'>

// Inserts under the first handle that is free: the unique column decides, so that parallel logins cannot clash.
// Null when it was the number that was taken.
const insertWithHandle = async (trx: Transaction<Database>, deps: Deps, account: NewAccount): Promise<Row | null> => {
  for (const handle of handlesFor(account.name, deps.randomBytes)) {
    const row = await trx
      .insertInto('account')
      .values({ ...account, id: randomId(deps.randomBytes), handle, created_at: deps.now() })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row) return row
    if (!account.phone_hash) continue
    const taken = await trx.selectFrom('account').select('id').where('phone_hash', '=', account.phone_hash).execute()
    if (taken.length > 0) return null
  }
  throw new Error('unreachable: handles have no end')
}
