import type { Readable } from 'node:stream'
import { audioError } from '../../audio/audio-error.ts'
import { toChannels } from '../../audio/channels.ts'
import { openDecodedStream } from '../../audio/files/decode-stream.ts'
import type { Channels } from '../../audio/frame.ts'
import { wholeSamples } from '../../audio/pcm-bytes.ts'
import type { OpenSound } from '../program/contract.ts'
import { createTold } from './told.ts'

/** Enough to know any format by; raw sound of as much takes a sixth of a second. */
const HEAD_BYTES = 16_384

type Decoded = { channels: Channels; source: AsyncGenerator<Int16Array> }

/**
 * Standard input as a sound, for the whole program: closed and opened again it goes on where it was. Any format is known
 * by its content; all else is raw (s16le, 48 kHz, mono). Nothing is taken that is not played: the writer waits.
 */
export const createStdin = (stream: Readable | undefined) => {
  const told = createTold()
  let decoded: Promise<Decoded> | undefined
  let pending: Promise<IteratorResult<Int16Array>> | undefined
  let isOpen = false

  const decode = async (): Promise<Decoded> => {
    if (!stream) throw audioError('bad-input', 'There is no standard input to play.')
    const { head, bytes } = await withHead(stream)
    if (head.length === 0) throw audioError('not-audio', 'Standard input ended without any sound.')
    const name = 'Standard input'
    const opened = await openDecodedStream(bytes, { name, onTags: told.title }).catch((error) => {
      if (isRaw(head)) return undefined
      throw error
    })
    if (opened) return { channels: opened.channels, source: opened.pcm() }
    return { channels: 1, source: rawSamples(bytes) }
  }

  return {
    open: async (channels: Channels): Promise<OpenSound> => {
      if (isOpen) throw audioError('bad-input', 'Standard input is played already; it can be only once at a time.')
      isOpen = true
      const closing = new AbortController()
      const closed = new Promise<undefined>((resolve) => {
        closing.signal.addEventListener('abort', () => resolve(undefined))
      })
      decoded ??= decode()
      const ready = await Promise.race([decoded, closed]).catch((error) => {
        isOpen = false
        throw error
      })
      return {
        pcm: async function* () {
          while (ready && !closing.signal.aborted) {
            pending ??= ready.source.next()
            const next = await Promise.race([pending, closed])
            if (!next) return
            pending = undefined
            if (next.done) return
            const into = new Int16Array((next.value.length / ready.channels) * channels)
            yield toChannels(next.value, ready.channels, into, channels)
          }
        },
        onTitle: told.onTitle,
        warning: () => undefined,
        close: async () => {
          closing.abort()
          isOpen = false
        },
      }
    },
  }
}

const withHead = async (stream: Readable) => {
  const source = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const first: Buffer[] = []
  let length = 0
  while (length < HEAD_BYTES) {
    const next = await source.next().catch(() => ({ done: true as const, value: undefined }))
    if (next.done) break
    first.push(next.value)
    length += next.value.length
  }
  const head = Buffer.concat(first)
  // Read twice where its format is not known: as it comes, and as raw sound.
  const bytes = {
    async *[Symbol.asyncIterator]() {
      yield head
      for (;;) {
        // A pipe that breaks has ended: what came is played.
        const next = await source.next().catch(() => ({ done: true as const, value: undefined }))
        if (next.done) return
        yield next.value
      }
    },
  }
  return { head, bytes }
}

/** Nothing that calls itself something. */
const isRaw = (head: Buffer): boolean =>
  !/^(RIFF|RF64|fLaC|OggS|ID3|\x1a\x45\xdf\xa3|<!|<html|<\?xml|#EXT|\[playlist)/i.test(
    head.toString('latin1', 0, 16),
  ) && head.toString('latin1', 4, 8) !== 'ftyp'

async function* rawSamples(bytes: AsyncIterable<Buffer>): AsyncGenerator<Int16Array> {
  const pieces: Int16Array[] = []
  const take = wholeSamples((samples) => pieces.push(samples))
  for await (const chunk of bytes) {
    take(chunk)
    yield* pieces.splice(0)
  }
}
