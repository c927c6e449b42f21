import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'

type StreamInfo = { blockSize: number; sampleRate: number; channels: number; total: number; raw: Buffer }

/** FLAC (RFC 9639); `from` is where `fLaC` stands, as some files carry an ID3 tag before it. */
export const openFlac = async (reader: ByteReader, from: number): Promise<Decoding> => {
  const { info, audioAt } = await readMetadata(reader, from)
  let decoded = 0
  let errors = 0

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const start = fromSample > 0 ? await seekFrame(reader, audioAt, info, fromSample) : { at: audioAt, sample: 0 }
    const { FLACDecoder } = await import('@wasm-audio-decoders/flac')
    const decoder = new FLACDecoder()
    await decoder.ready
    decoded = start.sample
    const place = (result: { channelData: Float32Array[]; samplesDecoded: number; errors: unknown[] }) => {
      errors += result.errors.length
      const block = { at: decoded, lanes: result.channelData }
      decoded += result.samplesDecoded
      return result.samplesDecoded > 0 ? [block] : []
    }
    try {
      // Pictures and comments may be large; the decoder needs none of them.
      yield* place(await decoder.decode(info.raw))
      for (let at = start.at; at < reader.size; at += READ_BYTES) {
        yield* place(await decoder.decode(await reader.read(at, READ_BYTES)))
      }
      yield* place(await decoder.flush())
    } finally {
      decoder.free()
    }
  }

  return {
    info: {
      format: 'flac',
      sampleRate: info.sampleRate,
      channels: info.channels,
      durationMs: info.total > 0 ? (info.total / info.sampleRate) * 1000 : undefined,
    },
    blocks,
    warning: () => {
      if (decoded < info.total)
        return `${reader.path} is truncated or damaged: ${info.total - decoded} samples are missing.`
      return errors > 0 ? `${reader.path} is damaged in places.` : undefined
    },
  }
}

const READ_BYTES = 16_384

const readMetadata = async (reader: ByteReader, from: number): Promise<{ info: StreamInfo; audioAt: number }> => {
  let info: StreamInfo | undefined
  for (let at = from + 4; at + 4 <= reader.size; ) {
    const head = await reader.read(at, 4)
    const length = head.readUIntBE(1, 3)
    if ((head[0]! & 127) === 0) info = parseStreamInfo(await reader.read(at + 4, 34))
    at += 4 + length
    if (head[0]! & 128 && info) return { info, audioAt: at }
  }
  throw audioError('not-audio', `${reader.path} has a broken FLAC header.`)
}

const parseStreamInfo = (body: Buffer): StreamInfo | undefined => {
  if (body.length < 34) return undefined
  const packed = body.readBigUInt64BE(10)
  const sampleRate = Number(packed >> 44n)
  if (sampleRate === 0) return undefined
  return {
    blockSize: body.readUInt16BE(0),
    sampleRate,
    channels: Number((packed >> 41n) & 7n) + 1,
    total: Number(packed & 0xfffffffffn),
    // A stream of its own: the mark, and this block as the last of the metadata.
    raw: Buffer.concat([Buffer.from('fLaC'), Buffer.of(0x80, 0, 0, 34), body]),
  }
}

/** The frame that holds `sample`, or one shortly before it, found by halving. */
const seekFrame = async (reader: ByteReader, audioAt: number, info: StreamInfo, sample: number) => {
  let low = { at: audioAt, sample: 0 }
  let high = reader.size
  while (high - low.at > SEARCH_BYTES) {
    const middle = Math.floor((low.at + high) / 2)
    const frame = await findFrame(reader, middle, high, info)
    if (frame && frame.sample > low.sample && frame.sample <= sample) low = frame
    else high = middle
  }
  return low
}

/** Larger than most frames, so that a window holds at least one header. */
const SEARCH_BYTES = 65_536

const findFrame = async (reader: ByteReader, from: number, until: number, info: StreamInfo) => {
  const window = await reader.read(from, Math.min(SEARCH_BYTES, until - from))
  for (let at = window.indexOf(0xff); at >= 0 && at < window.length - 16; at = window.indexOf(0xff, at + 1)) {
    const sample = frameSample(window.subarray(at, at + 16), info)
    if (sample !== undefined && (info.total === 0 || sample < info.total)) return { at: from + at, sample }
  }
  return undefined
}

/** The first sample of the frame whose header stands here (RFC 9639, section 9.1), if its checksum says it is one. */
const frameSample = (bytes: Buffer, info: StreamInfo): number | undefined => {
  if ((bytes[1]! & 0xfe) !== 0xf8 || bytes[3]! & 1) return undefined
  const [blockCode, rateCode] = [bytes[2]! >> 4, bytes[2]! & 15]
  if (blockCode === 0 || rateCode === 15) return undefined
  const coded = readCodedNumber(bytes, 4)
  if (!coded) return undefined
  const blockBytes = blockCode === 6 ? 1 : blockCode === 7 ? 2 : 0
  const rateBytes = rateCode === 12 ? 1 : rateCode === 13 || rateCode === 14 ? 2 : 0
  const end = coded.next + blockBytes + rateBytes
  if (end >= bytes.length || checksum(bytes.subarray(0, end)) !== bytes[end]) return undefined
  return bytes[1]! & 1 ? coded.value : coded.value * info.blockSize
}

/** A number coded like UTF-8, of up to 36 bits. */
const readCodedNumber = (bytes: Buffer, at: number): { value: number; next: number } | undefined => {
  const lead = bytes[at]!
  const ones = Math.clz32(~(lead << 24))
  if (ones === 1 || ones > 7) return undefined
  let value = ones === 0 ? lead : lead & (0x7f >> ones)
  const length = Math.max(1, ones)
  for (let i = 1; i < length; i++) {
    if ((bytes[at + i]! & 0xc0) !== 0x80) return undefined
    value = value * 64 + (bytes[at + i]! & 0x3f)
  }
  return { value, next: at + length }
}

/** CRC-8 with polynomial 0x07. */
const checksum = (bytes: Buffer): number => {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 128 ? ((crc << 1) ^ 7) & 255 : crc << 1
  }
  return crc
}
