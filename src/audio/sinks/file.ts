import { type FileHandle, open, rm } from 'node:fs/promises'
import { type AudioError, audioError } from '../audio-error.ts'
import { type AudioSink, type Channels, SAMPLE_RATE } from '../frame.ts'
import { bytesOf } from '../pcm-bytes.ts'

export type WavSinkOptions = {
  channels?: Channels
  /** Told once when the file cannot be written any more (a full disk); what was written stays playable. */
  onError?(error: AudioError): void
}

const HEADER_BYTES = 44
const FLUSH_EVERY_MS = 1000
/** What a disk may owe us before sound is thrown away: three minutes of mono. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/**
 * Writes a WAV file (16 bits, 48 kHz) that can be played at any time: header and sound on disk agree after every
 * second, so a kill costs the last second at most. A file that was there is replaced by the first sound, not before; when
 * none comes it stays, and a new one goes. Throws `not-found` without the folder, `disk` when the file cannot be made.
 */
export const createWavSink = async (
  path: string,
  { channels = 1, onError }: WavSinkOptions = {},
): Promise<AudioSink> => {
  const { handle, isNew, isOld } = await openFile(path, channels)
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let dataBytes = 0
  let failed = false

  const fail = (error: unknown) => {
    if (failed) return
    failed = true
    waiting = []
    onError?.(diskError(path, error))
  }
  const flush = async () => {
    const bytes = Buffer.concat(waiting)
    waiting = []
    waitingBytes = 0
    if (failed || bytes.length === 0) return
    try {
      if (isOld && dataBytes === 0) await handle.truncate()
      await writeAll(handle, bytes, HEADER_BYTES + dataBytes)
      dataBytes += bytes.length
      await writeAll(handle, wavHeader(channels, dataBytes), 0)
    } catch (error) {
      fail(error)
      await keepWhatFits()
    }
  }
  /** A full disk takes a part of a second: that is kept, in whole samples, and the header says so. */
  const keepWhatFits = async () => {
    try {
      const { size } = await handle.stat()
      const frameBytes = channels * 2
      dataBytes = Math.max(0, Math.floor((size - HEADER_BYTES) / frameBytes) * frameBytes)
      await handle.truncate(HEADER_BYTES + dataBytes)
      await writeAll(handle, wavHeader(channels, dataBytes), 0)
    } catch {
      // The last whole second and its header are on the disk.
    }
  }
  // One flush after another: a slow disk must not let two of them overtake each other.
  let flushing = Promise.resolve()
  const timer = setInterval(() => {
    flushing = flushing.then(flush)
  }, FLUSH_EVERY_MS)

  return {
    channels,
    write: (frame) => {
      if (failed) return
      if (waitingBytes > MAX_WAITING_BYTES) return fail(Object.assign(new Error(), { code: 'the disk is too slow' }))
      const bytes = bytesOf(frame)
      waiting.push(bytes)
      waitingBytes += bytes.length
    },
    close: async () => {
      clearInterval(timer)
      await flushing.then(flush)
      await handle.close().catch(fail)
      if (isNew && dataBytes === 0) await rm(path, { force: true })
    },
  }
}

const openFile = async (path: string, channels: Channels) => {
  let handle: FileHandle | undefined
  let made: FileHandle | undefined
  try {
    // What others said is nobody else's to read.
    made = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
      return undefined
    })
    handle = made ?? (await open(path, 'r+'))
    const isOld = !made && (await handle.stat()).isFile()
    if (!isOld) await writeAll(handle, wavHeader(channels, 0), 0)
    return { handle, isNew: made !== undefined, isOld }
  } catch (error) {
    await handle?.close().catch(() => {})
    if (made) await rm(path, { force: true }).catch(() => {})
    throw diskError(path, error)
  }
}

const writeAll = async (handle: FileHandle, bytes: Buffer, at: number): Promise<void> => {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}

/** The 44 bytes before PCM (Microsoft RIFF/WAVE); beyond 4 GiB the sizes stay at their largest, which readers take for "to the end". */
export const wavHeader = (channels: Channels, dataBytes: number): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(Math.min(0xffffffff, dataBytes + 36), 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(SAMPLE_RATE, 24)
  header.writeUInt32LE(SAMPLE_RATE * channels * 2, 28)
  header.writeUInt16LE(channels * 2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(Math.min(0xffffffff, dataBytes), 40)
  return header
}

const REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'the system does not allow it',
  EPERM: 'the system does not allow it',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
  EISDIR: 'it is a folder',
  EROFS: 'the disk is read-only',
}

export const diskError = (path: string, cause: unknown) => {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
  const isNowhere = code === 'ENOENT' || code === 'ENOTDIR'
  return audioError(isNowhere ? 'not-found' : 'disk', `${path} cannot be written: ${REASONS[code] ?? code}.`, cause)
}
