import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { credentialsSchema, type Credentials as SignIn } from '../protocol/accounts.ts'
import { isApiError } from '../protocol/errors.ts'

export type { SignIn }

/** Trades a refresh token for new tokens at the server; throws its error codes. */
type TradeRefreshToken = (refreshToken: string, tradeId: string) => Promise<SignIn>

export type Credentials = {
  /** The access token to send, if there is one. */
  token(): Promise<string | undefined>
  /** Another token than `stale`: one that another process has already got, or a new one; undefined: sign in again. */
  refresh(stale: string, trade: TradeRefreshToken): Promise<string | undefined>
  /** What a login or a refresh gave. */
  load(): Promise<SignIn | undefined>
  save(signIn: SignIn): Promise<void>
  clear(): Promise<void>
}

/** Nobody is signed in, and nothing is kept. */
export const noCredentials = (): Credentials => tokenCredentials(undefined)

/** A bot's access token, which never expires by itself. */
export const tokenCredentials = (token: string | undefined): Credentials => ({
  token: async () => token,
  refresh: async () => undefined,
  load: async () => undefined,
  save: async () => {},
  clear: async () => {},
})

/**
 * A sign-in kept in one file that only its owner can read. Refresh tokens are single use, and a second use revokes
 * the session, so a refresh holds a lock that all processes respect and looks at the file again once it has it.
 * A file that is no sign-in is an error with code `bad-config`, and is left as it is.
 */
export const fileCredentials = (file: string): Credentials => {
  const load = () => readSignIn(file)
  return {
    load,
    token: async () => (await load())?.accessToken,
    save: (signIn) => withLock(file, () => writeSignIn(file, signIn)),
    clear: () => withLock(file, () => rm(file, { force: true })),
    refresh: (stale, trade) =>
      withLock(file, async () => {
        const kept = await load()
        if (!kept || kept.accessToken !== stale) return kept?.accessToken
        // Kept before it is asked for: where the answer is lost, in a cut say, the same trade is asked for again.
        const tradeId = kept.tradeId ?? randomUUID()
        if (kept.tradeId === undefined) await writeSignIn(file, { ...kept, tradeId })
        try {
          const fresh = await trade(kept.refreshToken, tradeId)
          await writeSignIn(file, fresh)
          return fresh.accessToken
        } catch (error) {
          if (!isOver(error)) throw error
          await rm(file, { force: true })
          return undefined
        }
      }),
  }
}

/** With the trade that was begun and not answered, if there is one. */
type KeptSignIn = SignIn & { tradeId?: string }
const keptSchema = credentialsSchema.extend({ tradeId: z.uuid().optional() })

const isOver = (error: unknown) =>
  isApiError(error) && (error.code === 'sign-in-needed' || error.code === 'token-reused')

const readSignIn = async (file: string): Promise<KeptSignIn | undefined> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw badConfig(`The sign-in in ${file} cannot be read: ${error.message}.`)
  })
  if (text === undefined) return undefined
  const signIn = keptSchema.safeParse(parseJson(text))
  if (!signIn.success) throw badConfig(`The file ${file} is damaged; delete it and sign in again.`)
  return signIn.data
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const badConfig = (message: string) => Object.assign(new Error(message), { code: 'bad-config' })

/** Written beside and renamed, so that a reader or a crash never sees half of it. */
const writeSignIn = async (file: string, signIn: KeptSignIn) => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const beside = `${file}.${randomUUID()}`
  await writeFile(beside, `${JSON.stringify(signIn, null, 2)}\n`, { mode: 0o600, flush: true })
  await rename(beside, file)
}

const LOCK_RETRY_MS = 20
const LOCK_WAIT_MS = 30_000
const UNWRITTEN_MS = 5_000

/** One process at a time, by a lock file that names its holder; the lock of a dead process is taken over. */
const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const lock = `${file}.lock`
  const deadline = performance.now() + LOCK_WAIT_MS
  while (!(await takeLock(lock))) {
    if (performance.now() > deadline) throw badConfig(`Another process holds ${lock}; delete it if none runs.`)
    await dropDeadLock(lock)
    await sleep(LOCK_RETRY_MS)
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

const takeLock = async (lock: string): Promise<boolean> => {
  const handle = await open(lock, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw error
  })
  if (!handle) return false
  try {
    await handle.writeFile(String(process.pid))
    return true
  } catch (error) {
    // The disk is full, say: it would stand there as ours.
    await rm(lock, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

const dropDeadLock = async (lock: string) => {
  if (!(await isDead(lock))) return
  // Renamed first: of several that saw the same dead holder one moves it away, and a lock taken meanwhile is put back.
  const aside = `${lock}.${randomUUID()}`
  const isMoved = await rename(lock, aside).then(
    () => true,
    () => false,
  )
  if (!isMoved) return
  if (await isDead(aside)) await rm(aside, { force: true })
  else await rename(aside, lock)
}

const isDead = async (lock: string): Promise<boolean> => {
  const pid = Number.parseInt(await readFile(lock, 'utf8').catch(() => ''), 10)
  if (pid > 0) return !isAlive(pid)
  // Empty for the moment between its making and its writing, and for ever where its maker died there.
  const madeAt = await stat(lock).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  )
  return Date.now() - madeAt > UNWRITTEN_MS
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
