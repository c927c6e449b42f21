import type { ByteReader } from './bytes.ts'
import { findPage, lastPages, readPages, SEARCH_BYTES } from './ogg.ts'

/** Where a stream, or several at once, stands in a file, in bytes. */
export type OggLink = { from: number; to: number }

/**
 * The links of a chain of Ogg streams (RFC 3533, section 4), mostly a single one. Where one ends is found by halving, as
 * each has a serial number of its own: a dozen reads for each link.
 */
export const oggLinks = async (reader: ByteReader, from: number): Promise<OggLink[]> => {
  const links: OggLink[] = []
  for (let at = from; at < reader.size; at = links.at(-1)!.to) links.push({ from: at, to: await endOfLink(reader, at) })
  return links
}

/** Whether a stream begins here. */
export const isLinkAt = async (reader: ByteReader, at: number): Promise<boolean> => {
  for await (const page of readPages(reader, at)) return page.first
  return false
}

/** A file that ends where a link of it does. */
export const linkOf = (reader: ByteReader, { to }: OggLink): ByteReader => ({
  path: reader.path,
  file: reader.file,
  size: to,
  read: (at, length, least) => reader.read(at, Math.max(0, Math.min(length, to - at)), least),
  close: reader.close,
})

const endOfLink = async (reader: ByteReader, from: number): Promise<number> => {
  const serials = await serialsAt(reader, from)
  let high = reader.size
  const last = (await lastPages(reader)).at(-1)
  if (!last || serials.has(last.serial)) return reader.size
  let low = from
  while (high - low > SEARCH_BYTES) {
    const middle = Math.floor((low + high) / 2)
    const page = await findPage(reader, middle, high)
    if (page && serials.has(page.serial)) low = page.at
    else high = middle
  }
  for await (const page of readPages(reader, low)) if (!serials.has(page.serial)) return page.at
  return reader.size
}

/** All streams of a link begin before any goes on. */
const serialsAt = async (reader: ByteReader, from: number): Promise<Set<number>> => {
  const serials = new Set<number>()
  for await (const page of readPages(reader, from)) {
    if (!page.first && serials.size > 0) break
    serials.add(page.serial)
  }
  return serials
}
