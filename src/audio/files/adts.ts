import type { ByteReader } from './bytes.ts'

/** Where a station is joined, the first whole frame is this near: none is longer than 8191 bytes. */
const SEARCH_BYTES = 16_384
const FRAMES_IN_A_ROW = 3

/** Whether AAC as it is sent (ADTS, ISO 13818-7, 6.2) begins here: frames that follow each other, each with its length. */
export const isAdts = async (reader: ByteReader, from: number): Promise<boolean> => {
  const window = await reader.read(from, SEARCH_BYTES, SEARCH_BYTES)
  const isWhole = from + window.length >= reader.size
  for (let at = window.indexOf(0xff); at >= 0; at = window.indexOf(0xff, at + 1))
    if (framesHold(window, at, isWhole)) return true
  return false
}

const framesHold = (bytes: Buffer, from: number, isWhole: boolean): boolean => {
  let at = from
  for (let n = 0; n < FRAMES_IN_A_ROW; n++) {
    const length = frameBytes(bytes, at)
    if (length === undefined) return false
    at += length
    if (at === bytes.length && isWhole) return true
  }
  return true
}

const frameBytes = (bytes: Buffer, at: number): number | undefined => {
  const isHead = at + 7 <= bytes.length && bytes[at] === 0xff && (bytes[at + 1]! & 0xf6) === 0xf0
  if (!isHead || ((bytes[at + 2]! >> 2) & 15) > 12) return undefined
  const length = (bytes.readUIntBE(at + 3, 3) >> 5) & 0x1fff
  return length > 7 ? length : undefined
}
