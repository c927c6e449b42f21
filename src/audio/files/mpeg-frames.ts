import type { ByteReader } from './bytes.ts'

/** What the four bytes before a layer III frame say (ISO 11172-3, 2.4.1.3; MPEG 2 and 2.5 at half the rates). */
export type MpegHeader = {
  bytes: number
  /** What frames of this bitrate take on average: padding makes some a byte longer. */
  averageBytes: number
  /** Samples per channel. */
  samples: number
  sampleRate: number
  channels: 1 | 2
  sideInfoBytes: number
  /** The bits that all frames of one file share: version, layer, sample rate. */
  kind: number
}

/** The first frame in the first part of the file that is followed by two of its kind, or by the end of the file. */
export const findMpegStart = async (reader: ByteReader, from: number, length = SEARCH_BYTES) => {
  const window = await reader.read(from, length, STREAM_SEARCH_BYTES)
  for (let at = window.indexOf(0xff); at >= 0; at = window.indexOf(0xff, at + 1)) {
    const header = headerAt(window, at)
    if (header && chainHolds(window, at, header, from + window.length === reader.size)) return { at: from + at, header }
  }
  return undefined
}

/** Whole frames in order; bytes that are no frame are skipped, and told unless they are a tag at the end. */
export async function* readMpegFrames(
  reader: ByteReader,
  from: number,
  kindOf: MpegHeader,
  onDamage: () => void,
): AsyncGenerator<Buffer> {
  let window = await reader.read(from, READ_BYTES, MAX_FRAME_BYTES)
  let windowAt = from
  for (let at = from; ; ) {
    if (at - windowAt + MAX_FRAME_BYTES > window.length && windowAt + window.length < reader.size) {
      window = await reader.read(at, READ_BYTES, MAX_FRAME_BYTES)
      windowAt = at
    }
    const offset = at - windowAt
    if (offset + 4 > window.length) return
    const header = headerAt(window, offset)
    if (header?.kind === kindOf.kind) {
      if (offset + header.bytes > window.length) return
      yield window.subarray(offset, offset + header.bytes)
      at += header.bytes
      continue
    }
    if (isEndTag(window, offset)) return
    onDamage()
    at += await damagedBytes(reader, at, kindOf)
  }
}

const headerAt = (bytes: Buffer, at: number): MpegHeader | undefined => {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return undefined
  const version = (bytes[at + 1]! >> 3) & 3
  const layer = (bytes[at + 1]! >> 1) & 3
  const bitrateIndex = bytes[at + 2]! >> 4
  const rateIndex = (bytes[at + 2]! >> 2) & 3
  if (version === 1 || layer !== 1 || bitrateIndex === 0 || bitrateIndex === 15 || rateIndex === 3) return undefined
  const full = version === 3
  const sampleRate = [44_100, 48_000, 32_000][rateIndex]! >> (full ? 0 : version === 2 ? 1 : 2)
  const kbps = (full ? BITRATES : HALF_BITRATES)[bitrateIndex]!
  const mono = bytes[at + 3]! >> 6 === 3
  const averageBytes = ((full ? 144_000 : 72_000) * kbps) / sampleRate
  return {
    bytes: Math.floor(averageBytes) + ((bytes[at + 2]! >> 1) & 1),
    averageBytes,
    samples: full ? 1152 : 576,
    sampleRate,
    channels: mono ? 1 : 2,
    sideInfoBytes: full ? (mono ? 17 : 32) : mono ? 9 : 17,
    kind: ((bytes[at + 1]! & 0x1e) << 8) | (bytes[at + 2]! & 0x0c),
  }
}

const BITRATES = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const HALF_BITRATES = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
const SEARCH_BYTES = 131_072
/** A stream is known by so much: three frames of the largest size and then some. */
const STREAM_SEARCH_BYTES = 16_384
const READ_BYTES = 32_768
const MAX_FRAME_BYTES = 1441 + 4
const CHAIN = 3

/** Two bytes look like a header often enough; three headers of a kind, each where the one before ends, do not. */
const chainHolds = (window: Buffer, start: number, first: MpegHeader, endIsFileEnd: boolean): boolean => {
  let at = start
  for (let seen = 0; seen < CHAIN; seen++) {
    if (at >= window.length - 4) return endIsFileEnd && seen > 1
    const header = headerAt(window, at)
    if (header?.kind !== first.kind) return isEndTag(window, at) && seen > 1
    at += header.bytes
  }
  return true
}

const isEndTag = (window: Buffer, at: number): boolean =>
  ['TAG', 'APE', 'LYR', 'ID3'].includes(window.toString('latin1', at, at + 3))

/** How far it is to the next chain of frames, or to the end. */
const damagedBytes = async (reader: ByteReader, from: number, kindOf: MpegHeader): Promise<number> => {
  for (let at = from + 1; at < reader.size; at += STREAM_SEARCH_BYTES / 2) {
    const found = await findMpegStart(reader, at, STREAM_SEARCH_BYTES)
    if (found?.header.kind === kindOf.kind) return found.at - from
  }
  return reader.size - from
}
