export type OggPageOptions = { granule: number; sequence: number; first?: boolean; last?: boolean; serial?: number }

/** One Ogg page of whole packets (RFC 3533, section 6). */
export const oggPage = (
  packets: Uint8Array[],
  { granule, sequence, first = false, last = false, serial = 1 }: OggPageOptions,
): Buffer => {
  const lacing = packets.flatMap((packet) => [...Array(Math.floor(packet.length / 255)).fill(255), packet.length % 255])
  if (lacing.length > 255) throw new Error(`one page cannot hold ${lacing.length} segments`)
  const page = Buffer.concat([Buffer.alloc(27), Buffer.from(lacing), ...packets])
  page.write('OggS', 0, 'latin1')
  page[5] = (first ? 2 : 0) | (last ? 4 : 0)
  page.writeBigInt64LE(BigInt(granule), 6)
  page.writeUInt32LE(serial, 14)
  page.writeUInt32LE(sequence, 18)
  page[26] = lacing.length
  page.writeUInt32LE(crc(page), 22)
  return page
}

/** An Ogg Opus file of pages of packets, all packets of `packetSamples` samples (RFC 7845). */
export const oggOpus = (
  pages: Uint8Array[][],
  {
    channels = 1,
    packetSamples = 960,
    preSkip = 312,
  }: { channels?: number; packetSamples?: number; preSkip?: number } = {},
): Buffer => {
  const head = Buffer.alloc(19)
  head.write('OpusHead', 0, 'latin1')
  head[8] = 1
  head[9] = channels
  head.writeUInt16LE(preSkip, 10)
  head.writeUInt32LE(48_000, 12)
  const tags = Buffer.concat([Buffer.from('OpusTags'), Buffer.alloc(8)])
  let granule = 0
  return Buffer.concat([
    oggPage([head], { granule: 0, sequence: 0, first: true }),
    oggPage([tags], { granule: 0, sequence: 1 }),
    ...pages.map((packets, i) => {
      granule += packets.length * packetSamples
      return oggPage(packets, { granule, sequence: i + 2, last: i === pages.length - 1 })
    }),
  ])
}

const table = Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1
  return value
})

const crc = (page: Buffer): number => {
  let value = 0
  for (const byte of page) value = (value << 8) ^ table[((value >>> 24) ^ byte) & 255]!
  return value >>> 0
}
