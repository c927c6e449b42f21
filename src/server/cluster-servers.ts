import { sql } from 'kysely'
import { storeNow } from './cluster-lease.ts'
import type { Deps } from './deps.ts'
import { randomId } from './domain/random.ts'

/** The servers that are alive on one database, told by a sign of life from each. */
export type Servers = {
  /** Of this one; another one after the others took it for dead. */
  id(): string
  /** Enters this server; it beats from then on. */
  enter(): Promise<void>
  /** Strikes off those that have been silent too long, unless this one was itself cut off lately. */
  strikeOffSilent(): Promise<void>
  /** Strikes off this one. */
  close(): Promise<void>
}
type ServersOptions = {
  mediaUrl(): string
  mediaCheck: string
  /** Its own address was another's before: that one is dead, as one address has one listener. */
  isSoleAtItsUrl: boolean
  /** The others took this one for dead, and what it did for dead work. */
  onStruckOff(): Promise<void>
}

const beatMs = 1_000
/** Silent for so long: dead. */
export const silentMs = 4_000

export const createServers = (
  { store, log, randomBytes, ownUrl }: Pick<Deps, 'store' | 'log' | 'randomBytes' | 'ownUrl'>,
  { mediaUrl, mediaCheck, isSoleAtItsUrl, onStruckOff }: ServersOptions,
): Servers => {
  const { db } = store
  let id = randomId(randomBytes)
  let beatAt = performance.now()
  // Since when its own signs of life came in time: one who was cut off cannot tell who else was.
  let steadySince = beatAt
  let timer: NodeJS.Timeout | undefined
  let beating: Promise<void> | null = null

  const insert = async () => {
    const beat_at = await storeNow(db)
    await db
      .insertInto('server')
      .values({ id, url: ownUrl(), media_url: mediaUrl(), media_check: mediaCheck, beat_at })
      .execute()
  }
  const beat = async () => {
    const { rows } = await sql`update server set beat_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
      where id = ${id} returning id`.execute(db)
    const at = performance.now()
    if (at - beatAt > 2 * beatMs + 500) steadySince = at
    beatAt = at
    if (rows.length > 0) return
    log('warn', 'struck-off', { message: 'The other servers took this one for dead; it comes back as a new one.' })
    id = randomId(randomBytes)
    await insert()
    await onStruckOff()
  }

  return {
    id: () => id,
    enter: async () => {
      if (isSoleAtItsUrl) await strikeOff(db, (rows) => rows.where('url', '=', ownUrl()))
      await insert()
      timer = setInterval(() => {
        beating ??= beat()
          .catch((error: Error) => log('warn', 'sign-of-life-failed', { message: error.message }))
          .finally(() => {
            beating = null
          })
      }, beatMs)
    },
    strikeOffSilent: async () => {
      const at = performance.now()
      if (at - steadySince < silentMs || at - beatAt > 2 * beatMs + 500) return
      const limit = (await storeNow(db)) - silentMs
      for (const dead of await strikeOff(db, (rows) => rows.where('beat_at', '<', limit)))
        log('warn', 'server-lost', { url: dead.url })
    },
    close: async () => {
      clearInterval(timer)
      await beating
      if (timer) await strikeOff(db, (rows) => rows.where('id', '=', id)).catch(() => {})
    },
  }
}

type Deleting = ReturnType<typeof deleteServers>
const deleteServers = (db: Deps['store']['db']) => db.deleteFrom('server')

/** What a dead server did for all is free for others at once. */
const strikeOff = async (db: Deps['store']['db'], which: (rows: Deleting) => Deleting) => {
  const dead = await which(deleteServers(db)).returning(['id', 'url']).execute()
  const ids = dead.map((server) => server.id)
  if (ids.length > 0) await db.updateTable('lease').set({ expires_at: 0 }).where('holder', 'in', ids).execute()
  return dead
}
