import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'

export const isWav = (head: Buffer): boolean =>
  ['RIFF', 'RF64'].includes(head.toString('latin1', 0, 4)) && head.toString('latin1', 8, 12) === 'WAVE'

/**
 * PCM of 8, 16, 24 or 32 bits and floating point of 32 or 64, also in the extensible form (Microsoft's RIFF/WAVE).
 * Sizes in headers are hints: recorders that were killed leave 0 or 0xFFFFFFFF, and then the data runs to the end.
 */
export const openWav = async (reader: ByteReader): Promise<Decoding> => {
  const { format, dataAt, dataBytes, declaredBytes } = await readChunks(reader)
  const readSample = sampleReader(format, reader.path)
  const frameBytes = format.channels * (format.bits / 8)
  const frameCount = Math.floor(dataBytes / frameBytes)
  // What a file loses while it is read.
  let lostFrames = 0
  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    for (let at = fromSample; at < frameCount; ) {
      const count = Math.min(BLOCK_FRAMES, frameCount - at)
      const bytes = await reader.read(dataAt + at * frameBytes, count * frameBytes)
      const got = Math.floor(bytes.length / frameBytes)
      if (got === 0) {
        lostFrames = frameCount - at
        return
      }
      yield { at, lanes: lanesOf(bytes, got, format, readSample) }
      at += got
    }
  }
  return {
    info: {
      format: 'wav',
      sampleRate: format.sampleRate,
      channels: format.channels,
      durationMs: Number.isFinite(frameCount) ? (frameCount / format.sampleRate) * 1000 : undefined,
    },
    blocks,
    warning: () => {
      const missing = declaredBytes - dataBytes + lostFrames * frameBytes
      return missing > 0 ? `${reader.path} is truncated: ${missing} bytes are missing.` : undefined
    },
  }
}

const BLOCK_FRAMES = 4096
const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe

type WavFormat = { tag: number; channels: number; sampleRate: number; bits: number }

const readChunks = async (reader: ByteReader) => {
  let format: WavFormat | undefined
  let longBytes: number | undefined
  for (let at = 12; at + 8 <= reader.size; ) {
    const head = await reader.read(at, 8)
    if (head.length < 8) break
    const id = head.toString('latin1', 0, 4)
    const size = head.readUInt32LE(4)
    if (id === 'fmt ') format = parseFormat(await reader.read(at + 8, Math.min(size, 40)), reader.path)
    if (id === 'ds64') longBytes = Number((await reader.read(at + 16, 8)).readBigUInt64LE())
    if (id === 'data' && format) return { format, dataAt: at + 8, ...dataSize(reader.size - at - 8, size, longBytes) }
    at += 8 + size + (size % 2)
  }
  throw audioError('not-audio', `${reader.path} is a WAV file without sound in it.`)
}

const dataSize = (available: number, declared: number, longBytes: number | undefined) => {
  const unknown = declared === 0 || declared >= 0x7fffffff
  const declaredBytes = unknown ? (longBytes ?? available) : declared
  return { declaredBytes, dataBytes: Math.min(declaredBytes, available) }
}

const parseFormat = (chunk: Buffer, path: string): WavFormat => {
  if (chunk.length < 16) throw audioError('not-audio', `${path} is a WAV file with a broken header.`)
  const tag = chunk.readUInt16LE(0)
  const format = {
    tag: tag === EXTENSIBLE && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag,
    channels: chunk.readUInt16LE(2),
    sampleRate: chunk.readUInt32LE(4),
    bits: chunk.readUInt16LE(14),
  }
  if (format.channels < 1 || format.channels > 32 || format.sampleRate < 1000 || format.sampleRate > 768_000) {
    throw audioError('not-audio', `${path} is a WAV file with a broken header.`)
  }
  return format
}

type ReadSample = (bytes: Buffer, at: number) => number

const sampleReader = ({ tag, bits }: WavFormat, path: string): ReadSample => {
  const readers: Record<string, ReadSample> = {
    [`${PCM}/8`]: (bytes, at) => (bytes[at]! - 128) / 128,
    [`${PCM}/16`]: (bytes, at) => bytes.readInt16LE(at) / 32768,
    [`${PCM}/24`]: (bytes, at) => bytes.readIntLE(at, 3) / 8388608,
    [`${PCM}/32`]: (bytes, at) => bytes.readInt32LE(at) / 2147483648,
    [`${FLOAT}/32`]: (bytes, at) => bytes.readFloatLE(at),
    [`${FLOAT}/64`]: (bytes, at) => bytes.readDoubleLE(at),
  }
  const found = readers[`${tag}/${bits}`]
  if (!found)
    throw audioError('not-audio', `${path} is a WAV file of a kind we do not read (format ${tag}, ${bits} bits).`)
  return found
}

const lanesOf = (bytes: Buffer, count: number, { channels, bits }: WavFormat, readSample: ReadSample): Float32Array[] =>
  Array.from({ length: channels }, (_, channel) => {
    const lane = new Float32Array(count)
    for (let i = 0; i < count; i++) lane[i] = readSample(bytes, (i * channels + channel) * (bits / 8))
    return lane
  })
