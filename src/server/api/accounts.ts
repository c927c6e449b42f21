import type { Handlers } from '../call.ts'
import type { Deps } from '../deps.ts'
import { accountOf } from '../domain/account.ts'

export const accountHandlers = ({ store }: Deps): Pick<Handlers, 'me' | 'editMe'> => ({
  me: async ({ caller }) => caller.account,
  editMe: async ({ body, caller }) => {
    const row = await store.db
      .updateTable('account')
      .set({ name: body.name })
      .where('id', '=', caller.account.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    return accountOf(row)
  },
})
