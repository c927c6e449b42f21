import type { ByteReader } from './bytes.ts'

/** What the STREAMINFO block tells (RFC 9639, section 8.2); `total` samples per channel, 0 when unknown. */
export type FlacStream = {
  blockSize: number
  largestBlock: number
  sampleRate: number
  channels: number
  total: number
}

export type FlacFrame = { at: number; sample: number; bytes: Buffer }

/**
 * Frames in order. Their length is written nowhere: a frame ends where the next header stands, which is known by its
 * checksum and by a sample number that can follow. So damage costs the frames it hits, and no more.
 */
export async function* readFlacFrames(reader: ByteReader, from: number, stream: FlacStream): AsyncGenerator<FlacFrame> {
  let header = await findHeader(reader, from, reader.size, stream, 0, lastSample(stream))
  while (header) {
    const latest = Math.min(header.sample + LONGEST_LEAP * stream.largestBlock, lastSample(stream))
    const next = await findHeader(reader, header.at + 5, reader.size, stream, header.sample + 1, latest)
    yield { ...header, bytes: await reader.read(header.at, (next?.at ?? reader.size) - header.at) }
    header = next
  }
}

/** Where a frame stands that begins at or shortly before `sample`, found by halving. */
export const seekFlacFrame = async (reader: ByteReader, audioAt: number, stream: FlacStream, sample: number) => {
  let low = { at: audioAt, sample: 0 }
  let high = reader.size
  while (high - low.at > SEARCH_BYTES) {
    const middle = Math.floor((low.at + high) / 2)
    const header = await findHeader(reader, middle, high, stream, low.sample, lastSample(stream))
    if (header && header.sample <= sample) low = header
    else high = middle
  }
  return low.at
}

/** Whether the checksum at its end says that the frame is whole: CRC-16 with polynomial 0x8005 (section 9.3). */
export const isWholeFrame = (bytes: Buffer): boolean => {
  let crc = 0
  for (let i = 0; i < bytes.length; i++) crc = ((crc << 8) & 0xffff) ^ CRC16_TABLE[(crc >> 8) ^ bytes[i]!]!
  // Over content and checksum together the remainder is zero.
  return crc === 0
}

const CRC16_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x8005 : crc << 1
  return crc
})

const lastSample = (stream: FlacStream) => (stream.total > 0 ? stream.total - 1 : Number.POSITIVE_INFINITY)

const SEARCH_BYTES = 65_536
const HEADER_BYTES = 16
/** After damage the next header may be this many blocks on. */
const LONGEST_LEAP = 200

/** The first header in `from`..`until` whose sample number lies in `least`..`most`. */
const findHeader = async (
  reader: ByteReader,
  from: number,
  until: number,
  stream: FlacStream,
  least: number,
  most: number,
): Promise<{ at: number; sample: number } | undefined> => {
  let step = 16_384
  for (let start = from; start < until; start += step) {
    const window = await reader.read(start, step + HEADER_BYTES)
    if (window.length === 0) return undefined
    for (let at = window.indexOf(0xff); at >= 0 && at < step; at = window.indexOf(0xff, at + 1)) {
      const sample = headerSample(window.subarray(at, at + HEADER_BYTES), stream)
      if (sample === undefined || sample < least || sample > most) continue
      return { at: start + at, sample }
    }
    step = SEARCH_BYTES
  }
  return undefined
}

/** The first sample of the frame whose header stands here (RFC 9639, section 9.1), if its checksum says it is one. */
const headerSample = (bytes: Buffer, stream: FlacStream): number | undefined => {
  if ((bytes[1]! & 0xfe) !== 0xf8 || bytes[3]! & 1) return undefined
  const [blockCode, rateCode] = [bytes[2]! >> 4, bytes[2]! & 15]
  if (blockCode === 0 || rateCode === 15) return undefined
  const coded = readCodedNumber(bytes, 4)
  if (!coded) return undefined
  const blockBytes = blockCode === 6 ? 1 : blockCode === 7 ? 2 : 0
  const rateBytes = rateCode === 12 ? 1 : rateCode === 13 || rateCode === 14 ? 2 : 0
  const end = coded.next + blockBytes + rateBytes
  if (end >= bytes.length || checksum(bytes.subarray(0, end)) !== bytes[end]) return undefined
  return bytes[1]! & 1 ? coded.value : coded.value * stream.blockSize
}

/** The first sample of a frame; undefined where it is none. */
export const frameSample = (frame: Buffer, stream: FlacStream): number | undefined =>
  frame[0] === 0xff ? headerSample(frame.subarray(0, HEADER_BYTES), stream) : undefined

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
