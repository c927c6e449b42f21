import { writeSync } from 'node:fs'
import { openStore } from '../../src/server/store.ts'

// Commits rows in a loop and says each id on stdout once its commit was acknowledged; killed from outside.
const dataDir = process.argv[2] as string
try {
  const store = await openStore({ dataDir })
  for (let number = 0; ; number++) {
    const id = crypto.randomUUID()
    await store.transaction(async (trx) => {
      const account = { name: 'x'.repeat(500), kind: 'person', is_operator: false, owner_id: null } as const
      await trx
        .insertInto('account')
        .values({ ...account, id, handle: id.replaceAll('-', '').slice(0, 30), phone_hash: null, created_at: number })
        .execute()
    })
    writeSync(1, `${id}\n`)
  }
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  writeSync(1, `refused ${code} ${message}\n`)
  process.exit(3)
}
