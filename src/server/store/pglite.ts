import { existsSync, fsyncSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PoolConfig } from 'pg'
import { lockFolder } from './lock.ts'

export type EmbeddedPostgres = { poolConfig: PoolConfig; close(): Promise<void> }

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
      poolConfig: createPgConfig(pglite) as unknown as PoolConfig,
      close: async () => {
        await pglite.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

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
