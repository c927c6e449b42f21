import type { ByteReader } from './bytes.ts'

/** An element of EBML (RFC 8794): where its data stand. */
export type Element = {
  id: number
  at: number
  dataAt: number
  /** Infinite where the writer did not know it. */
  bytes: number
}

const WINDOW_BYTES = 65_536
const MAX_HEAD_BYTES = 12

/** Reads elements and small pieces of a file with few reads. */
export const createElementReader = (reader: ByteReader) => {
  let window: Buffer = Buffer.alloc(0)
  let windowAt = 0
  const read = async (at: number, length: number): Promise<Buffer> => {
    if (at < windowAt || at + length > windowAt + window.length) {
      window = await reader.read(at, Math.max(length, WINDOW_BYTES), length)
      windowAt = at
    }
    return window.subarray(at - windowAt, at - windowAt + length)
  }
  return {
    read,
    /** Undefined at the end, and where no element can begin. */
    element: async (at: number): Promise<Element | undefined> => {
      const head = parseHead(await read(at, MAX_HEAD_BYTES), 0)
      return head && { id: head.id, at, dataAt: at + head.length, bytes: head.bytes }
    },
  }
}
export type ElementReader = ReturnType<typeof createElementReader>

/** The elements in a piece of data that was read whole; what does not fit into it is left out. */
export const childrenOf = (data: Buffer): { id: number; data: Buffer }[] => {
  const children: { id: number; data: Buffer }[] = []
  for (let at = 0; at < data.length; ) {
    const head = parseHead(data, at)
    if (!head || at + head.length + head.bytes > data.length) break
    children.push({ id: head.id, data: data.subarray(at + head.length, at + head.length + head.bytes) })
    at += head.length + head.bytes
  }
  return children
}

export const unsignedOf = (data: Buffer): number =>
  data.length === 0 || data.length > 6 ? bigOf(data) : data.readUIntBE(0, data.length)

export const floatOf = (data: Buffer): number =>
  data.length === 4 ? data.readFloatBE(0) : data.length === 8 ? data.readDoubleBE(0) : 0

export const signedOf = (data: Buffer): number =>
  data.length === 0 ? 0 : Number(BigInt.asIntN(8 * data.length, BigInt(`0x${data.toString('hex')}`)))

/** A number whose first bits tell its length; `value` is infinite where all its bits are ones. */
export const variableOf = (data: Buffer, at: number): { value: number; length: number } | undefined => {
  const first = data[at]
  if (!first) return undefined
  const length = Math.clz32(first) - 23
  if (at + length > data.length) return undefined
  let value = first & (0xff >> length)
  let isUnknown = value === 0xff >> length
  for (let i = 1; i < length; i++) {
    value = value * 256 + data[at + i]!
    isUnknown &&= data[at + i] === 0xff
  }
  return { value: isUnknown ? Number.POSITIVE_INFINITY : value, length }
}

const bigOf = (data: Buffer) => (data.length === 0 ? 0 : Number(BigInt(`0x${data.toString('hex')}`)))

const parseHead = (data: Buffer, at: number): { id: number; length: number; bytes: number } | undefined => {
  const first = data[at]
  if (!first) return undefined
  const idLength = Math.clz32(first) - 23
  if (idLength > 4 || at + idLength > data.length) return undefined
  const size = variableOf(data, at + idLength)
  return size && { id: data.readUIntBE(at, idLength), length: idLength + size.length, bytes: size.value }
}
