import { type FileHandle, open } from 'node:fs/promises'
import { audioError } from '../audio-error.ts'

export type ByteReader = {
  /** What it is called. */
  readonly path: string
  /** Where it stands on the disk; missing for a stream. */
  readonly file?: string
  /** Of a stream: infinite until its end has come. */
  readonly size: number
  /**
   * Up to `length` bytes from `at`; fewer at the end of the file. They are read only: others may be given the same
   * ones. Of a stream it may be as few as `least`: what has not come yet is not waited for.
   */
  read(at: number, length: number, least?: number): Promise<Buffer>
  close(): Promise<void>
}

const WINDOW_BYTES = 32_768

/** Opens a regular file for reading anywhere. */
export const openBytes = async (path: string): Promise<ByteReader> => {
  const handle = await openHandle(path)
  const stats = await handle.stat()
  if (!stats.isFile()) {
    await handle.close()
    throw audioError('not-audio', `${path} is not a file but ${stats.isDirectory() ? 'a folder' : 'something else'}.`)
  }
  const readWindow = async (at: number, length: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, stats.size - at)))
    let got = 0
    while (got < buffer.length) {
      const { bytesRead } = await handle.read(buffer, got, buffer.length - got, at + got)
      if (bytesRead === 0) break
      got += bytesRead
    }
    return buffer.subarray(0, got)
  }
  // Decoders ask for a few hundred bytes at a time, one after the other: the system is asked for many.
  let window: { at: number; bytes: Buffer } = { at: 0, bytes: Buffer.alloc(0) }
  return {
    path,
    file: path,
    size: stats.size,
    read: async (at, length) => {
      const isHere = at >= window.at && Math.min(at + length, stats.size) <= window.at + window.bytes.length
      if (!isHere) window = { at, bytes: await readWindow(at, Math.max(length, WINDOW_BYTES)) }
      return window.bytes.subarray(at - window.at, at - window.at + length)
    },
    close: () => handle.close(),
  }
}

const openHandle = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, 'r')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') throw audioError('not-found', `There is no file ${path}.`, error)
    throw audioError('not-readable', `${path} cannot be read (${code}).`, error)
  }
}
