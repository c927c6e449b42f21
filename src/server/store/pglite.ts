import { existsSync, fsyncSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PoolConfig } from 'pg'
import { lockFolder } from './lock.ts'

export type EmbeddedPostgres = { poolConfig: PoolConfig; close(): Promise<void> }

/**
 * PostgreSQL in this process, in `dataDir/pg`, durable: PGlite as it comes never syncs to the disk, so fsync is given
 * to its file system, `-F` (no fsync) is dropped from its start line, and the write-ahead log syncs by fsync.
 */
export const openPglite = async (dataDir: string): Promise<EmbeddedPostgres> => {
  const folder = join(dataDir, 'pg')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(dataDir)
  try {
    const { PGlite } = await import('@electric-sql/pglite')
    const { createPgConfig } = await import('@electric-sql/pglite/node-postgres')
    const pglite = await PGlite.create({
      fs: await durableFolder(folder),
      startParams: [
        ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
        ...['-c', 'wal_sync_method=fsync', '-c', 'shared_buffers=16MB'],
      ],
    })
    return {
      poolConfig: createPgConfig(pglite as never) as unknown as PoolConfig,
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

export const isPgliteFolder = (dataDir: string): boolean => existsSync(join(dataDir, 'pg', 'PG_VERSION'))
