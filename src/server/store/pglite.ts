import { existsSync, fsyncSync, statfsSync } from 'node:fs'
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PoolConfig } from 'pg'
import { lockFolder } from './lock.ts'

export type EmbeddedPostgres = {
  poolConfig: PoolConfig
  /** A sentence for what ended it: error code `disk-full` or `store-failed`. */
  explain(error: unknown): Error & { code: string }
  /** Tells once when its files are gone: it would go on for a while in files that nobody can find again. Returns what ends that. */
  watch(onGone: (error: Error) => void): () => void
  close(): Promise<void>
  /** After a failure: there is nothing left to shut down but the lock. */
  abandon(): Promise<void>
}

/**
 * PostgreSQL in this process, in `dataDir/pg`, durable: PGlite as it comes never syncs to the disk, so fsync is given
 * to its file system, `-F` (no fsync) is dropped from its start line, and the write-ahead log syncs by fsync.
 */
export const openPglite = async (dataDir: string): Promise<EmbeddedPostgres> => {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(dataDir)
  try {
    const folder = join(dataDir, 'pg')
    if (!existsSync(folder)) await makeCluster(folder)
    const pglite = await start(folder)
    const { createPgConfig } = await import('@electric-sql/pglite/node-postgres')
    return {
      // Its one connection lasts as long as it does.
      poolConfig: { ...createPgConfig(pglite), idleTimeoutMillis: 0 } as unknown as PoolConfig,
      explain: (error) => explain(error, dataDir, 'store-failed'),
      watch: (onGone) => watchFile(join(folder, 'global', 'pg_control'), onGone),
      close: async () => {
        await pglite.close()
        await lock.release()
      },
      abandon: lock.release,
    }
  } catch (error) {
    await lock.release()
    throw explain(error, dataDir, 'data-damaged')
  }
}

const LOOK_EVERY_MS = 2_000

const watchFile = (path: string, onGone: (error: Error) => void): (() => void) => {
  const timer = setInterval(async () => {
    try {
      await access(path)
    } catch (error) {
      clearInterval(timer)
      onGone(error as Error)
    }
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

// A new segment of the write-ahead log; with less free, PostgreSQL can neither start nor go on.
const segmentBytes = 16 * 1024 * 1024

const explain = (error: unknown, dataDir: string, otherwise: 'store-failed' | 'data-damaged') => {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EROFS') {
    return coded('bad-input', `The data folder ${dataDir} cannot be written.`)
  }
  if (!existsSync(dataDir))
    return coded(otherwise, `The data folder ${dataDir} is gone; bring it back and start again.`)
  const free = statfsSync(dataDir)
  if (code === '53100' || code === 'ENOSPC' || free.bavail * free.bsize < segmentBytes) {
    return coded('disk-full', `The disk of the data folder ${dataDir} is full; make room and start again.`)
  }
  return otherwise === 'store-failed'
    ? coded(otherwise, `The database in ${dataDir} has stopped (${message}); start again.`)
    : coded(otherwise, `The database in ${dataDir} cannot be opened (${message}); restore it from a backup.`)
}

const coded = (code: string, message: string) => Object.assign(new Error(message), { code })

// Built beside the program by scripts/data-template.js; without it, initdb runs, which takes seconds.
const template = fileURLToPath(new URL('./pglite.tar.gz', import.meta.url))

// Under another name until it is whole, on the disk: a start that is cut off begins anew.
const makeCluster = async (folder: string): Promise<void> => {
  const draft = `${folder}.new`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  const pglite = await start(draft, existsSync(template) ? new Blob([await readFile(template)]) : undefined)
  await pglite.close()
  await syncFolder(draft)
  await rename(draft, folder)
}

const start = async (folder: string, loadDataDir?: Blob) => {
  const { PGlite } = await import('@electric-sql/pglite')
  return PGlite.create({
    fs: await durableFolder(folder),
    loadDataDir,
    startParams: [
      ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
      ...['-c', 'wal_sync_method=fsync', '-c', 'shared_buffers=16MB'],
    ],
  })
}

type Stream = { nfd?: number }
type FileSystemModule = { NODEFS: { stream_ops: { fsync?: (stream: Stream) => number } } }

const durableFolder = async (folder: string) => {
  const { NodeFS } = await import('@electric-sql/pglite/nodefs')
  const fs = new NodeFS(folder)
  const init = fs.init.bind(fs)
  fs.init = async (pg, options) => {
    const started = await init(pg, options)
    started.emscriptenOpts.preRun?.push((module) => {
      ;(module as unknown as FileSystemModule).NODEFS.stream_ops.fsync = (stream) => {
        if (stream.nfd !== undefined) fsyncSync(stream.nfd)
        return 0
      }
    })
    return started
  }
  return fs
}

// In parallel: the file system then commits many files at once.
const syncFolder = async (folder: string): Promise<void> => {
  const entries = await readdir(folder, { withFileTypes: true })
  const inside = entries.map((entry) => ({ path: join(folder, entry.name), isFolder: entry.isDirectory() }))
  await Promise.all(inside.map(({ path, isFolder }) => (isFolder ? syncFolder(path) : syncPath(path))))
  // Directories cannot be opened on Windows, and need no sync there.
  if (process.platform !== 'win32') await syncPath(folder)
}

const syncPath = async (path: string): Promise<void> => {
  const file = await open(path, 'r')
  await file.sync()
  await file.close()
}
