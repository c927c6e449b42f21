import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** JSON that only its owner can read, written beside and renamed, so that a reader or a crash never sees half of it. */
export const writeWhole = async (file: string, value: unknown): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const beside = `${file}.${randomUUID()}`
  try {
    await writeFile(beside, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true })
    await rename(beside, file)
  } catch (error) {
    // A full disk is not to be filled with what it did not take.
    await rm(beside, { force: true })
    throw error
  }
}

const LOCK_RETRY_MS = 20
const LOCK_WAIT_MS = 30_000
const UNWRITTEN_MS = 5_000

/** One process at a time, by a lock file that names its holder; the lock of a dead process is taken over. */
export const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const lock = `${file}.lock`
  const deadline = performance.now() + LOCK_WAIT_MS
  while (!(await takeLock(lock))) {
    if (performance.now() > deadline) throw heldByOther(lock)
    await dropDeadLock(lock)
    await sleep(LOCK_RETRY_MS)
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

const heldByOther = (lock: string) =>
  Object.assign(new Error(`Another process holds ${lock}; delete it if none runs.`), { code: 'bad-config' })

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
