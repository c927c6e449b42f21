import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

export type FolderLock = { release(): Promise<void> }

/**
 * One process per data folder. On Linux an abstract unix socket, which the kernel frees when the process dies however
 * it dies; elsewhere a pid file, stale when its process is gone. Error code `data-in-use`.
 */
export const lockFolder = async (folder: string): Promise<FolderLock> => {
  const pidFile = join(folder, 'roomtone.pid')
  if (process.platform !== 'linux') return lockByPidFile(folder, pidFile)
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)
  const socket = createServer((peer) => peer.destroy())
  socket.unref()
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? inUse(folder, readPid(pidFile)) : error),
    )
    socket.listen(`\0roomtone-data-${name}`, resolve)
  })
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  return {
    release: async () => {
      rmSync(pidFile, { force: true })
      await new Promise<void>((resolve) => socket.close(() => resolve()))
    },
  }
}

const lockByPidFile = (folder: string, pidFile: string): FolderLock => {
  for (const isLastTry of [false, true]) {
    try {
      const file = openSync(pidFile, 'wx', 0o600)
      writeSync(file, `${process.pid}\n`)
      closeSync(file)
      return { release: async () => rmSync(pidFile, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const pid = readPid(pidFile)
      if (isLastTry || (pid && isAlive(pid))) throw inUse(folder, pid)
      rmSync(pidFile, { force: true })
    }
  }
  throw inUse(folder, null)
}

const readPid = (pidFile: string): number | null => {
  try {
    return Number.parseInt(readFileSync(pidFile, 'utf8'), 10) || null
  } catch {
    return null
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const inUse = (folder: string, pid: number | null): Error & { code: string } =>
  Object.assign(
    new Error(`The data folder ${folder} is in use by another roomtone server${pid ? ` (process ${pid})` : ''}.`),
    { code: 'data-in-use' },
  )
