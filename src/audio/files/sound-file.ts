import { open, rename, rm } from 'node:fs/promises'
import { audioError } from '../audio-error.ts'
import type { Channels } from '../frame.ts'
import { bytesOf } from '../pcm-bytes.ts'
import { diskError, wavHeader } from '../sinks/file.ts'
import { createOpusWriter } from './opus-writer.ts'

export type SoundFileOptions = { channels: Channels; bitrate?: number; tags?: Record<string, string> }

export type SoundFile = {
  /** Takes a frame; a promise where the disk has to be waited for. It belongs to the caller again at once. */
  write(frame: Int16Array): Promise<void> | undefined
  /** The whole file is there, in the place of one that was. */
  close(): Promise<void>
  /** Leaves nothing behind. */
  abandon(): Promise<void>
}

const CHUNK_BYTES = 262_144

/**
 * Writes sound as fast as it comes: Opus in Ogg (`.opus`, `.ogg`) or WAV, by the file's name. The file appears when it is
 * whole. Throws `bad-input` for another name, `not-found` without the folder, `disk` when it cannot be written.
 */
export const createSoundFile = async (path: string, options: SoundFileOptions): Promise<SoundFile> => {
  const { channels, bitrate = 64_000 * channels, tags = {} } = options
  const isWav = /.\.wav$/i.test(path)
  if (!isWav && !/.\.(opus|ogg)$/i.test(path))
    throw audioError('bad-input', `Sound is written as Opus or WAV: name the file .opus or .wav, not ${path}.`)
  const part = `${path}.part`
  const handle = await open(part, 'w').catch((error) => {
    throw diskError(path, error)
  })
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let dataBytes = 0

  const give = (bytes: Buffer) => {
    waiting.push(bytes)
    waitingBytes += bytes.length
  }
  const flush = async () => {
    const bytes = Buffer.concat(waiting)
    waiting = []
    waitingBytes = 0
    try {
      await handle.writeFile(bytes)
    } catch (error) {
      throw diskError(path, error)
    }
  }
  if (isWav) give(wavHeader(channels, 0))
  const opus = isWav ? undefined : await createOpusWriter({ channels, bitrate, tags, give })

  return {
    write: (frame) => {
      if (opus) opus.write(frame)
      else give(bytesOf(frame))
      dataBytes += frame.byteLength
      return waitingBytes >= CHUNK_BYTES ? flush() : undefined
    },
    close: async () => {
      opus?.end()
      await flush()
      if (isWav) await handle.write(wavHeader(channels, dataBytes), 0, undefined, 0)
      await handle.close()
      await rename(part, path).catch((error) => {
        throw diskError(path, error)
      })
    },
    abandon: async () => {
      await handle.close().catch(() => {})
      await rm(part, { force: true })
    },
  }
}
