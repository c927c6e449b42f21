import type { ByteReader } from './bytes.ts'

/** One Ogg page (RFC 3533, section 6). */
export type OggPage = {
  /** Where it stands in the file. */
  at: number
  bytes: Buffer
  /** Codec time at the end of the last packet that ends on this page; -1 when none ends here. */
  granule: number
  serial: number
  sequence: number
  first: boolean
  last: boolean
  continued: boolean
  lacing: Buffer
  body: Buffer
}

/** Reads pages in order from a byte position, skipping over damage; `onDamage` is told once for each spot. */
export async function* readPages(reader: ByteReader, from: number, onDamage?: () => void): AsyncGenerator<OggPage> {
  let at = from
  while (at < reader.size) {
    const page = await readPage(reader, at)
    if (page) {
      yield page
      at += page.bytes.length
      continue
    }
    onDamage?.()
    const next = await findPage(reader, at + 1, reader.size)
    if (!next) return
    at = next.at
  }
}

/** The first whole page at or after `from` that begins before `until`. */
export const findPage = async (reader: ByteReader, from: number, until: number): Promise<OggPage | undefined> => {
  for (let at = from; at < until; ) {
    const window = await reader.read(at, SEARCH_BYTES + 3, MIN_PAGE_BYTES)
    for (let i = window.indexOf('OggS'); i >= 0; i = window.indexOf('OggS', i + 1)) {
      if (at + i >= until) return undefined
      const page = await readPage(reader, at + i)
      if (page) return page
    }
    if (window.length < MIN_PAGE_BYTES) return undefined
    // Windows overlap, so that a capture pattern on the border is seen.
    at += window.length - 3
  }
  return undefined
}

/**
 * The byte position of the last page of a stream that ends at or before `granule` (or `from`, when none does), found
 * by halving: an hour is a dozen reads.
 */
export const seekPage = async (reader: ByteReader, serial: number, granule: number, from: number): Promise<number> => {
  let low = from
  let high = reader.size
  while (high - low > SEARCH_BYTES) {
    const middle = Math.floor((low + high) / 2)
    const page = await findTimedPage(reader, serial, middle, high)
    if (page && page.granule <= granule) low = page.at
    else high = middle
  }
  for (let at = low; ; ) {
    const page = await findTimedPage(reader, serial, at, high)
    if (!page || page.granule > granule) return low
    low = page.at
    at = page.at + page.bytes.length
  }
}

/** The last time stamp of a stream, from the end of the file; undefined when it is not there, or not there yet. */
export const lastGranule = async (reader: ByteReader, serial: number): Promise<number | undefined> => {
  let granule: number | undefined
  if (!Number.isFinite(reader.size)) return undefined
  const from = Math.max(0, reader.size - 2 * MAX_PAGE_BYTES)
  for (let at = from; ; ) {
    const page = await findTimedPage(reader, serial, at, reader.size)
    if (!page) return granule
    granule = page.granule
    at = page.at + page.bytes.length
  }
}

/** The pages at the end of a file. */
export const lastPages = async (reader: ByteReader): Promise<OggPage[]> => {
  const pages: OggPage[] = []
  for await (const page of readPages(reader, Math.max(0, reader.size - 2 * MAX_PAGE_BYTES))) pages.push(page)
  return pages
}

/** Puts the packets of one stream together over page borders; after a lost page the torn packet is left out. */
export const createPacketAssembler = () => {
  let open: Buffer[] | undefined
  let sequence: number | undefined
  return {
    push: (page: OggPage): Buffer[] => {
      const follows = sequence === undefined || page.sequence === sequence + 1
      sequence = page.sequence
      const packets: Buffer[] = []
      // What continues a packet whose start we do not have is left out.
      let torn = page.continued && (!open || !follows)
      let parts = page.continued && follows && open ? open : []
      let at = 0
      for (const length of page.lacing) {
        parts.push(page.body.subarray(at, at + length))
        at += length
        if (length === 255) continue
        if (!torn) packets.push(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
        torn = false
        parts = []
      }
      open = parts.length > 0 && !torn ? parts : undefined
      return packets
    },
  }
}

export const SEARCH_BYTES = 65_536
/** A header without a single segment; with all segments it has 255 more. */
const MIN_PAGE_BYTES = 27
const MAX_PAGE_BYTES = 27 + 255 + 255 * 255

const findTimedPage = async (reader: ByteReader, serial: number, from: number, until: number) => {
  for (let at = from; ; ) {
    const page = await findPage(reader, at, until)
    if (!page || (page.serial === serial && page.granule >= 0)) return page
    at = page.at + page.bytes.length
  }
}

const readPage = async (reader: ByteReader, at: number): Promise<OggPage | undefined> => {
  // Most pages are small: one read brings header and body.
  let bytes = await reader.read(at, 8192, MIN_PAGE_BYTES)
  if (bytes.length < MIN_PAGE_BYTES || bytes.toString('latin1', 0, 4) !== 'OggS' || bytes[4] !== 0) return undefined
  const bodyAt = 27 + bytes[26]!
  if (bytes.length < bodyAt) bytes = await reader.read(at, bodyAt)
  if (bytes.length < bodyAt) return undefined
  const lacing = bytes.subarray(27, bodyAt)
  const length = bodyAt + lacing.reduce((sum, size) => sum + size, 0)
  bytes = length > bytes.length ? await reader.read(at, length) : bytes.subarray(0, length)
  if (bytes.length < length || pageChecksum(bytes) !== bytes.readUInt32LE(22)) return undefined
  return {
    at,
    bytes,
    granule: Number(bytes.readBigInt64LE(6)),
    serial: bytes.readUInt32LE(14),
    sequence: bytes.readUInt32LE(18),
    continued: (bytes[5]! & 1) !== 0,
    first: (bytes[5]! & 2) !== 0,
    last: (bytes[5]! & 4) !== 0,
    lacing: bytes.subarray(27, bodyAt),
    body: bytes.subarray(bodyAt),
  }
}

/** CRC-32 with polynomial 0x04c11db7, not reflected, over the page with its own checksum field as zero. */
export const pageChecksum = (page: Buffer): number => {
  let crc = 0
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i]!
    crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ byte) & 255]!
  }
  return crc >>> 0
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})
