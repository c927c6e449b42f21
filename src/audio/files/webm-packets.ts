import type { ByteReader } from './bytes.ts'
import { type ElementReader, signedOf, unsignedOf, variableOf } from './ebml.ts'

/** The elements that matter here (RFC 9559, section 5.1). */
export const ID = {
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  title: 0x7ba9,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  discardPadding: 0x75a2,
  tags: 0x1254c367,
  simpleTag: 0x67c8,
  tagName: 0x45a3,
  tagString: 0x4487,
} as const

export type Packet = {
  packet: Buffer
  /** Of the first of a block; what is laced to it follows. */
  ticks: number | undefined
  /** So much of its end is not to be heard. */
  discardNs: number
}

const MAX_BLOCK_BYTES = 1024 * 1024
const SEARCH_BYTES = 65_536
const CLUSTER_MARK = Buffer.from('1f43b675', 'hex')
/** What holds others is gone into, whatever size it says. */
const ENTERED: number[] = [ID.segment, ID.cluster, ID.blockGroup]

/** The packets of one track from a cluster on; after damage it goes on with the next cluster. */
export async function* readPackets(
  elements: ElementReader,
  reader: ByteReader,
  from: number,
  track: number,
  told: { damage(): void; cut(): void },
): AsyncGenerator<Packet> {
  let clusterTicks = 0
  // How much of its end goes is told behind a block.
  let waiting: Packet[] = []
  for (let at = from; ; ) {
    const element = await elements.element(at)
    const isSound = element && (ENTERED.includes(element.id) || element.dataAt + element.bytes <= reader.size)
    if (!isSound) {
      if (at >= reader.size) break
      const next = await findCluster(reader, at + 1)
      if (next === undefined) {
        told.cut()
        break
      }
      told.damage()
      at = next
      continue
    }
    const { id, dataAt, bytes } = element
    if (ENTERED.includes(id)) {
      at = dataAt
      continue
    }
    if (id === ID.timestamp && bytes <= 8) clusterTicks = unsignedOf(await elements.read(dataAt, bytes))
    if (id === ID.discardPadding && bytes <= 8 && waiting.length > 0)
      waiting.at(-1)!.discardNs = Math.max(0, signedOf(await elements.read(dataAt, bytes)))
    if ((id === ID.simpleBlock || id === ID.block) && bytes <= MAX_BLOCK_BYTES) {
      yield* waiting
      waiting = packetsOf(await elements.read(dataAt, bytes), track, clusterTicks)
    }
    at = dataAt + bytes
  }
  yield* waiting
}

const findCluster = async (reader: ByteReader, from: number): Promise<number | undefined> => {
  for (let at = from; at < reader.size; ) {
    const window = await reader.read(at, SEARCH_BYTES, CLUSTER_MARK.length)
    const found = window.indexOf(CLUSTER_MARK)
    if (found >= 0) return at + found
    if (window.length < CLUSTER_MARK.length) return undefined
    at += window.length - CLUSTER_MARK.length + 1
  }
  return undefined
}

/** Track, time and flags stand before the packets, of which a block may lace several (RFC 9559, section 10). */
const packetsOf = (block: Buffer, track: number, clusterTicks: number): Packet[] => {
  const number = variableOf(block, 0)
  if (number?.value !== track || block.length < number.length + 3) return []
  const ticks = clusterTicks + block.readInt16BE(number.length)
  const lacing = (block[number.length + 2]! >> 1) & 3
  const frames = unlace(block.subarray(number.length + 3), lacing)
  return frames
    .filter(({ length }) => length > 0)
    .map((packet, i) => ({ packet, ticks: i === 0 ? ticks : undefined, discardNs: 0 }))
}

const unlace = (body: Buffer, lacing: number): Buffer[] => {
  if (lacing === 0) return [body]
  const count = (body[0] ?? 0) + 1
  if (lacing === 2) {
    const bytes = Math.floor((body.length - 1) / count)
    return Array.from({ length: count }, (_, i) => body.subarray(1 + i * bytes, 1 + (i + 1) * bytes))
  }
  const { sizes, at } = lacing === 1 ? xiphSizes(body, count) : ebmlSizes(body, count)
  const frames: Buffer[] = []
  let next = at
  for (const bytes of sizes) {
    if (!(bytes >= 0) || next + bytes > body.length) return frames
    frames.push(body.subarray(next, next + bytes))
    next += bytes
  }
  return [...frames, body.subarray(next)]
}

/** Each size is a sum of bytes that ends with one below 255; the last is what is left. */
const xiphSizes = (body: Buffer, count: number) => {
  const sizes: number[] = []
  let at = 1
  while (sizes.length < count - 1 && at < body.length) {
    let size = 0
    let byte: number
    do {
      byte = body[at++] ?? 0
      size += byte
    } while (byte === 255)
    sizes.push(size)
  }
  return { sizes, at }
}

/** The first size as it is, the others as differences, which are coded around zero. */
const ebmlSizes = (body: Buffer, count: number) => {
  const sizes: number[] = []
  let at = 1
  while (sizes.length < count - 1) {
    const coded = variableOf(body, at)
    if (!coded) break
    at += coded.length
    const middle = 2 ** (7 * coded.length - 1) - 1
    sizes.push(sizes.length === 0 ? coded.value : sizes.at(-1)! + coded.value - middle)
  }
  return { sizes, at }
}
