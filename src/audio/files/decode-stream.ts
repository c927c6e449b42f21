import type { Channels } from '../frame.ts'
import { convert } from './convert.ts'
import type { Decoding } from './decoding.ts'
import { recognise } from './recognise.ts'
import { createStreamBytes } from './stream-bytes.ts'
import { type AudioTags, readTags } from './tags.ts'

export type DecodeStreamOptions = {
  /** What it is called in sentences. */
  name: string
  /** Of the result; the stream's own (more than two become one) unless said. */
  channels?: Channels
  /** The tags of a stream, or of each of a chain, told just before its first sound is given. */
  onTags?(tags: AudioTags): void
}

export type DecodedStream = {
  info: Decoding['info']
  channels: Channels
  /** Interleaved 16-bit PCM at 48 kHz in pieces of any length; throws what the stream throws. */
  pcm(): AsyncGenerator<Int16Array>
  close(): Promise<void>
}

/**
 * Recognises and decodes what comes in by content, as `openDecoded` does a file, reading no further than it has to. Ogg
 * streams may follow each other in a chain, as radio stations send them. Throws `not-audio`.
 */
export const openDecodedStream = async (
  bytes: AsyncIterable<Uint8Array>,
  { name, channels, onTags }: DecodeStreamOptions,
): Promise<DecodedStream> => {
  const reader = createStreamBytes(name, bytes)
  const open = async (at: number) => {
    const decoding = await recognise(reader, at)
    return { decoding, tags: decoding.tags ?? (await readTags(reader, at)) }
  }
  try {
    const first = await open(0)
    const wanted: Channels = channels ?? (first.decoding.info.channels === 2 ? 2 : 1)
    return {
      info: first.decoding.info,
      channels: wanted,
      pcm: async function* () {
        let { decoding, tags } = first
        for (;;) {
          onTags?.(tags)
          yield* convert(decoding, wanted, 0)
          const next = decoding.endsAt?.()
          // What follows a stream that has ended must begin another.
          if (next === undefined || (await reader.read(next, 4)).length < 4) return
          ;({ decoding, tags } = await open(next))
        }
      },
      close: reader.close,
    }
  } catch (error) {
    await reader.close()
    throw error
  }
}
