import { pageChecksum } from './ogg.ts'

/** More packets than a page's table can hold in any case go on a new one. */
const MAX_SEGMENTS = 255

/**
 * Puts packets on the pages of one Ogg stream (RFC 3533). `give` takes each page when it is whole; a packet must fit on
 * one page (Opus packets do).
 */
export const createOggWriter = (serial: number, give: (page: Buffer) => void) => {
  let packets: Uint8Array[] = []
  let segments = 0
  let granule = 0
  let sequence = 0

  const endPage = (isLast = false) => {
    if (packets.length === 0) return
    const lacing = packets.flatMap(({ length }) => [...Array(Math.floor(length / 255)).fill(255), length % 255])
    const header = Buffer.alloc(27)
    header.write('OggS', 0, 'latin1')
    header[5] = (sequence === 0 ? 2 : 0) | (isLast ? 4 : 0)
    header.writeBigInt64LE(BigInt(granule), 6)
    header.writeUInt32LE(serial, 14)
    header.writeUInt32LE(sequence, 18)
    header[26] = lacing.length
    const page = Buffer.concat([header, Buffer.from(lacing), ...packets])
    page.writeUInt32LE(pageChecksum(page), 22)
    give(page)
    sequence++
    packets = []
    segments = 0
  }

  return {
    /** `granuleAtEnd`: codec time at its end. */
    push: (packet: Uint8Array, granuleAtEnd: number) => {
      const own = Math.floor(packet.length / 255) + 1
      if (segments + own > MAX_SEGMENTS) endPage()
      packets.push(packet)
      segments += own
      granule = granuleAtEnd
    },
    endPage,
  }
}
