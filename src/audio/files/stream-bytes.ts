import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'

/** How far back a decoder may go: to the headers of what it has just recognised. */
const KEPT_BYTES = 1024 * 1024

/**
 * Bytes that come one after the other, read as if they were a file: forwards, and a little back. Nothing is taken from
 * the stream before it is asked for. Reading throws what the stream throws.
 */
export const createStreamBytes = (path: string, stream: AsyncIterable<Uint8Array>): ByteReader => {
  const source = stream[Symbol.asyncIterator]()
  const kept: { at: number; bytes: Buffer }[] = []
  let end = 0
  let isOver = false

  const take = async () => {
    const next = await source.next()
    if (next.done) isOver = true
    else if (next.value.length > 0) {
      kept.push({ at: end, bytes: Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length) })
      end += next.value.length
    }
  }

  const forget = (before: number) => {
    while (kept.length > 0 && kept[0]!.at + kept[0]!.bytes.length <= before) kept.shift()
  }

  return {
    path,
    get size() {
      return isOver ? end : Number.POSITIVE_INFINITY
    },
    read: async (at, length, least = length) => {
      while (end < at + least && !isOver) {
        await take()
        forget(Math.min(at, end) - KEPT_BYTES)
      }
      if (at < (kept[0]?.at ?? end)) throw audioError('not-readable', `${path} cannot be read again from before.`)
      const until = Math.min(end, at + length)
      const parts = kept
        .filter((piece) => piece.at < until && piece.at + piece.bytes.length > at)
        .map((piece) => piece.bytes.subarray(Math.max(0, at - piece.at), until - piece.at))
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    },
    close: async () => {
      isOver = true
      await source.return?.()
    },
  }
}
