import type { ServerKey } from '../key.ts'
import type { Store } from '../store.ts'

/** Refuses data whose hashes another key file made: nobody could sign in to their account. Error code `wrong-key`. */
export const checkKey = async (store: Store, key: ServerKey, now: number): Promise<void> => {
  const keyCheck = key.hash('check', 'roomtone')
  await store.db
    .insertInto('house')
    .values({ id: 1, key_check: keyCheck, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const house = await store.db.selectFrom('house').select('key_check').executeTakeFirstOrThrow()
  if (house.key_check === keyCheck) return
  const message =
    'The key file server.key does not belong to this data: put the one it was made with into the data folder.'
  throw Object.assign(new Error(message), { code: 'wrong-key' })
}
