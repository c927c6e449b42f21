import type { Writable } from 'node:stream'
import { type AudioSink, type Channels, SAMPLE_RATE } from '../frame.ts'
import { bytesOf } from '../pcm-bytes.ts'

export type StdoutSink = AudioSink & {
  /** Frames thrown away because the reader was slower than the sound. */
  droppedFrames(): number
}

export type StdoutSinkOptions = {
  channels?: Channels
  /** Told once when nobody reads any more (a closed pipe). */
  onClosed?(): void
}

/** What may wait for a slow reader. */
const MAX_WAITING_MS = 1000

/** Raw PCM (s16le, 48 kHz) to a stream such as standard output. Never throws and never holds the sound up. */
export const createStdoutSink = (stream: Writable, { channels = 1, onClosed }: StdoutSinkOptions = {}): StdoutSink => {
  const maxWaitingBytes = (MAX_WAITING_MS * SAMPLE_RATE * channels * 2) / 1000
  let open = true
  let dropped = 0
  const end = () => {
    if (!open) return
    open = false
    onClosed?.()
  }
  stream.on('error', end)
  stream.on('close', end)
  return {
    channels,
    droppedFrames: () => dropped,
    write: (frame) => {
      if (!open || stream.writableEnded) return
      if (stream.writableLength > maxWaitingBytes) dropped++
      else stream.write(bytesOf(frame))
    },
    close: async () => {
      if (!open) return
      open = false
      // The stream is not ours to end; what waits in it is let through, unless nobody takes it.
      if (stream.writableLength > 0) await drained(stream)
    },
  }
}

const drained = (stream: Writable) =>
  new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, MAX_WAITING_MS)
    stream.once('drain', done)
    stream.once('close', done)
    stream.once('error', done)
  })
