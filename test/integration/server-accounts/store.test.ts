import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { problemOf } from '../../../src/server/problem.ts'
import { openStore, type Store } from '../../../src/server/store.ts'
import { eventually } from '../../support/eventually.ts'
import { closeStores, makeData, storeMissing, stores, type TestServerData } from '../../support/server.ts'

afterAll(closeStores)
const open = ({ folder, databaseUrl }: TestServerData) => openStore(databaseUrl ? { databaseUrl } : { dataDir: folder })

describe.each(stores)('the store on %s', (kind) => {
  const it = storeMissing(kind) ? test.skip : test
  const opened: Store[] = []
  const fresh = async () => {
    const data = await makeData(kind)
    opened.push(await open(data))
    return { data, store: opened.at(-1) as Store }
  }
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close()
  })

  it('gives the same kinds of values: numbers for bigint and counts, objects for jsonb', async () => {
    const { store } = await fresh()
    const { rows } = await sql`
      select 1795253407061::bigint as at, count(*) as n, '{"a":[1]}'::jsonb as data, true as yes, null as nothing,
        'ü' as text`.execute(store.db)
    expect(rows).toEqual([{ at: 1795253407061, n: 1, data: { a: [1] }, yes: true, nothing: null, text: 'ü' }])
    expect(store.kind).toBe(kind)
  })

  it('a transaction that throws leaves nothing, and the store goes on', async () => {
    const { store } = await fresh()
    const house = { id: 1, key_check: 'x', created_at: 1 } as const
    const failing = store.transaction(async (trx) => {
      await trx.insertInto('house').values(house).execute()
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    await expect(sql`select 1/0`.execute(store.db)).rejects.toMatchObject({ code: '22012' })
    await expect(store.transaction((trx) => sql`select broken`.execute(trx))).rejects.toMatchObject({ code: '42703' })
    expect(await store.db.selectFrom('house').selectAll().execute()).toEqual([])
  })

  it('parallel transactions on one row lose no update', async () => {
    const { store } = await fresh()
    await store.db.insertInto('house').values({ id: 1, key_check: '', created_at: 0 }).execute()
    await Promise.all(
      Array.from({ length: 20 }, () =>
        store.transaction(async (trx) => {
          const row = await trx.selectFrom('house').selectAll().forUpdate().executeTakeFirstOrThrow()
          await trx
            .updateTable('house')
            .set({ created_at: row.created_at + 1 })
            .execute()
        }),
      ),
    )
    expect((await store.db.selectFrom('house').selectAll().executeTakeFirstOrThrow()).created_at).toBe(20)
  })

  it('a chain of transactions lets everything else have its turn', async () => {
    const { store } = await fresh()
    let turns = 0
    let timer = setImmediate(function turn() {
      turns += 1
      timer = setImmediate(turn)
    })
    for (let round = 0; round < 100; round += 1)
      await store.transaction((trx) => trx.selectFrom('house').selectAll().execute())
    clearImmediate(timer)
    expect(turns).toBeGreaterThanOrEqual(99)
  })

  it('what is stored is there after opening again; data of a later version is refused', async () => {
    const { data, store } = await fresh()
    await store.db.insertInto('house').values({ id: 1, key_check: 'kept', created_at: 1 }).execute()
    await opened.pop()?.close()
    const again = await open(data)
    expect(await again.db.selectFrom('house').selectAll().execute()).toHaveLength(1)
    await sql`update schema_version set version = version + 1`.execute(again.db)
    await again.close()
    await expect(open(data)).rejects.toMatchObject({
      code: 'data-newer',
      message: expect.stringContaining('later version'),
    })
  })
})

// A file system of its own that can be filled: needs the right to mount.
const smallDisk = ((): string | null => {
  const folder = mkdtempSync('/tmp/roomtone-small-')
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return null
  }
})()
afterAll(() => {
  if (!smallDisk) return
  execFileSync('/bin/umount', ['-l', smallDisk])
  rmSync(smallDisk, { recursive: true })
})

const diskTest = smallDisk ? test : test.skip
diskTest(
  'a full disk stops the embedded store with one sentence and loses nothing (needs the right to mount)',
  async () => {
    const data = await makeData('pglite')
    const dataDir = join(smallDisk as string, 'data')
    cpSync(data.folder, dataDir, { recursive: true })
    rmSync(data.folder, { recursive: true })
    const store = await openStore({ dataDir })
    const stored: string[] = []
    const fill = async () => {
      for (;;) {
        const id = crypto.randomUUID()
        const name = randomBytes(50_000).toString('hex')
        const account = { id, name, handle: id, kind: 'person', is_operator: false, created_at: 0 } as const
        await store.db
          .insertInto('account')
          .values({ ...account, owner_id: null, phone_hash: null })
          .execute()
        stored.push(id)
      }
    }
    await expect(fill()).rejects.toMatchObject({ code: '53100' })
    const sentence = `The disk of the data folder ${dataDir} is full; make room and start again.`
    expect(await store.failed).toMatchObject({ code: 'disk-full', message: sentence })
    await store.close()
    await expect(openStore({ dataDir })).rejects.toMatchObject({ code: 'disk-full', message: sentence })
    execFileSync('/bin/mount', ['-o', 'remount,size=96m', smallDisk as string])
    const again = await openStore({ dataDir })
    const rows = await again.db.selectFrom('account').select('id').execute()
    await again.close()
    const kept = new Set(rows.map((row) => row.id))
    expect(stored.length).toBeGreaterThan(10)
    expect(stored.filter((id) => !kept.has(id))).toEqual([])
  },
)

test('data that is damaged is said in one sentence', async () => {
  const { folder: dataDir } = await makeData('pglite')
  writeFileSync(join(dataDir, 'pg', 'global', 'pg_control'), 'nonsense')
  await expect(openStore({ dataDir })).rejects.toMatchObject({ code: 'data-damaged' })
  rmSync(dataDir, { recursive: true })
})

const postgresTest = storeMissing('postgresql') ? test.skip : test
postgresTest('a PostgreSQL server that drops every connection fails what runs, and serves the next', async () => {
  const data = await makeData('postgresql')
  const store = await open(data)
  const working = Array.from({ length: 5 }, () =>
    store.transaction(async (trx) => {
      await trx.selectFrom('account').selectAll().execute()
      await sql`select pg_sleep(10)`.execute(trx)
    }),
  )
  const ends = Promise.allSettled(working)
  await eventually(
    async () => {
      const { rows } = await sql<{ n: number }>`
        select count(*) as n from pg_stat_activity
        where query like '%pg_sleep%' and datname = current_database() and pid <> pg_backend_pid()`.execute(store.db)
      return rows[0]?.n === 5
    },
    { withinMs: 10_000, what: 'five transactions run' },
  )
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(store.db)
  expect((await ends).map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  expect(await store.db.selectFrom('account').selectAll().execute()).toEqual([])
  await store.close()
})

test('a database that is not there is said in one sentence', async () => {
  await expect(openStore({ databaseUrl: 'postgresql://nobody@127.0.0.1:9/none' })).rejects.toMatchObject({
    code: 'store-unreachable',
    message: expect.stringMatching(/^The database cannot be reached: .+\.$/),
  })
})

describe('a data folder under kill -9', () => {
  let writer: string
  const folder = mkdtempSync('/tmp/roomtone-kill-')
  beforeAll(async () => {
    writer = join(process.cwd(), 'node_modules', `.store-writer-${process.pid}.mjs`)
    await build({
      entryPoints: ['test/support/store-writer.ts'],
      outfile: writer,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    })
  })
  afterAll(() => {
    rmSync(writer, { force: true })
    rmSync(folder, { recursive: true, force: true })
  })

  const startWriter = (dataDir: string) => {
    const child: ChildProcess = spawn(process.execPath, [writer, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
    })
    const gone = new Promise<number | null>((resolve) => child.once('close', resolve))
    // The last piece may be a line cut by the kill: an id nobody was told.
    return { child, gone, lines: () => text.split('\n').slice(0, -1) }
  }

  test('no acknowledged row is lost, and nobody else may open it meanwhile', async () => {
    const { folder: dataDir } = await makeData('pglite')
    const told: string[] = []
    for (const count of [15, 40, 80]) {
      const { child, gone, lines } = startWriter(dataDir)
      await eventually(() => lines().length >= count, { withinMs: 30_000, what: `${count} rows are acknowledged` })
      if (count === 15) {
        const second = startWriter(dataDir)
        expect(await second.gone).toBe(3)
        expect(second.lines()).toEqual([
          `refused data-in-use The data folder ${dataDir} is in use by another roomtone server (process ${child.pid}).`,
        ])
      }
      child.kill('SIGKILL')
      await gone
      told.push(...lines())
    }
    const store = await openStore({ dataDir })
    const rows = await store.db.selectFrom('account').select('id').execute()
    await store.close()
    const kept = new Set(rows.map((row) => row.id))
    expect(told.filter((id) => !kept.has(id))).toEqual([])
    expect(statSync(join(dataDir, 'pg')).mode & 0o077).toBe(0)
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('a start cut off half-way is a start again', async () => {
    const dataDir = join(folder, 'cut')
    for (const afterMs of [300, 900, 1_500, 2_200]) {
      const { child, gone } = startWriter(dataDir)
      setTimeout(() => child.kill('SIGKILL'), afterMs)
      await gone
    }
    const store = await openStore({ dataDir })
    expect(await store.db.selectFrom('house').selectAll().execute()).toEqual([])
    await store.close()
  })
})

postgresTest(
  'a database that falls silent without a word is an error soon, and is asked anew when it is back',
  async () => {
    const { databaseUrl } = await makeData('postgresql')
    const way = await startWay(databaseUrl as string)
    const store = await openStore({ databaseUrl: way.url, answersWithinMs: 2_000 })
    try {
      way.silence()
      const asked = performance.now()
      const asking = [
        sql`select 1`.execute(store.db),
        store.transaction((trx) => sql`select 1`.execute(trx)),
        store.transaction((trx) => trx.selectFrom('house').selectAll().execute()),
      ]
      for (const { reason } of (await Promise.allSettled(asking)) as PromiseRejectedResult[])
        expect(problemOf(reason)).toMatchObject({ status: 503, detail: 'The database of the server does not answer.' })
      expect(performance.now() - asked).toBeLessThan(10_000)
      way.speak()
      expect((await sql`select 1 as one`.execute(store.db)).rows).toEqual([{ one: 1 }])
    } finally {
      await store.close()
      way.close()
    }
  },
)

/** The way to a database, which may begin to swallow all that goes either way; no connection ends by that. */
const startWay = async (databaseUrl: string) => {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let isSilent = false
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => isSilent || to.write(bytes))
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    silence: () => {
      isSilent = true
    },
    speak: () => {
      isSilent = false
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
