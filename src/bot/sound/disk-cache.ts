import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Files that can be made again: one for each key, bounded in all, shared by as many processes as like. */
export type DiskCache = {
  /** Where the file of a key stands, or would stand. */
  pathOf(key: string): string
  read(key: string): Promise<Buffer | undefined>
  has(key: string): Promise<boolean>
  /** Whole or not at all: written beside and renamed. Throws what the disk says. */
  write(key: string, bytes: Uint8Array | string): Promise<void>
}

export type DiskCacheOptions = {
  folder: string
  /** With its dot: `.json`. */
  suffix: string
  /** Beyond it the files that were not used for the longest time go. */
  maxBytes: number
}

/** A use is noted this often, so that reading does not write each time. */
const NOTED_EVERY_MS = 24 * 3_600_000
const LOOK_EVERY_WRITES = 64
const LEFT_SHARE = 0.8

export const createDiskCache = ({ folder, suffix, maxBytes }: DiskCacheOptions): DiskCache => {
  const pathOf = (key: string) => join(folder, createHash('sha256').update(key).digest('hex').slice(0, 40) + suffix)
  let writes = 0

  const noteUse = async (path: string) => {
    const { mtimeMs } = await stat(path)
    const now = new Date()
    if (now.getTime() - mtimeMs > NOTED_EVERY_MS) await utimes(path, now, now)
  }

  return {
    pathOf,
    read: async (key) => {
      const path = pathOf(key)
      const bytes = await readFile(path).catch(() => undefined)
      if (bytes) await noteUse(path).catch(() => {})
      return bytes
    },
    has: async (key) => {
      const path = pathOf(key)
      return noteUse(path).then(
        () => true,
        () => false,
      )
    },
    write: async (key, bytes) => {
      const path = pathOf(key)
      const beside = `${path}.${randomUUID()}`
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await writeFile(beside, bytes, { mode: 0o600 })
        await rename(beside, path)
      } catch (error) {
        await rm(beside, { force: true }).catch(() => {})
        throw error
      }
      if (writes++ % LOOK_EVERY_WRITES === 0) await trim(folder, maxBytes).catch(() => {})
    },
  }
}

const trim = async (folder: string, maxBytes: number) => {
  const names = await readdir(folder)
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const stats = await stat(path).catch(() => undefined)
      return stats?.isFile() ? [{ path, bytes: stats.size, usedMs: stats.mtimeMs }] : []
    }),
  )
  const files = found.flat().sort((a, b) => a.usedMs - b.usedMs)
  let left = files.reduce((sum, { bytes }) => sum + bytes, 0)
  if (left <= maxBytes) return
  for (const { path, bytes } of files) {
    if (left <= maxBytes * LEFT_SHARE) return
    await rm(path, { force: true })
    left -= bytes
  }
}
