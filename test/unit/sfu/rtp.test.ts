import { describe, expect, test } from 'vitest'
import { createReception, senderReport } from '../../../src/sfu/rtcp.ts'
import { createRewriter, isRtcp, type RtpHeader, readRtpHeader, writePacket } from '../../../src/sfu/rtp.ts'

const packetOf = (
  options: { sequence?: number; extension?: Buffer; padding?: number; payload?: Buffer } = {},
): Buffer => {
  const { sequence = 7, extension, padding = 0, payload = Buffer.from([1, 2, 3]) } = options
  const header = Buffer.alloc(12)
  header[0] = 0x80 | (extension ? 0x10 : 0) | (padding ? 0x20 : 0)
  header[1] = 111
  header.writeUInt16BE(sequence, 2)
  header.writeUInt32BE(960, 4)
  header.writeUInt32BE(0xdecafbad, 8)
  const tail = Buffer.alloc(padding, 0)
  if (padding) tail[padding - 1] = padding
  return Buffer.concat([header, extension ?? Buffer.alloc(0), payload, tail])
}

const oneByteLevel = (id: number, level: number): Buffer => Buffer.from([0xbe, 0xde, 0, 1, (id << 4) | 0, level, 0, 0])

describe('reading a header', () => {
  test('finds the level of RFC 6464 among other extensions, and where the payload lies', () => {
    const header = readRtpHeader(packetOf({ extension: oneByteLevel(3, 0x80 | 42), padding: 4 }), 3)
    expect(header).toMatchObject({ payloadType: 111, sequence: 7, timestamp: 960, ssrc: 0xdecafbad, level: 42 })
    expect([header!.payloadOffset, header!.payloadEnd]).toEqual([20, 23])
  })

  test('knows the two-byte form', () => {
    const extension = Buffer.from([0x10, 0x00, 0, 1, 3, 1, 17, 0])
    expect(readRtpHeader(packetOf({ extension }), 3)?.level).toBe(17)
  })

  test('gives -1 where no level is carried', () => {
    expect(readRtpHeader(packetOf(), 3)?.level).toBe(-1)
    expect(readRtpHeader(packetOf({ extension: oneByteLevel(3, 1) }), 0)?.level).toBe(-1)
    expect(readRtpHeader(packetOf({ extension: oneByteLevel(4, 1) }), 3)?.level).toBe(-1)
  })

  test('refuses what is malformed, whatever the bytes', () => {
    expect(readRtpHeader(Buffer.alloc(11), 1)).toBeUndefined()
    expect(readRtpHeader(Buffer.alloc(12), 1)).toBeUndefined()
    expect(readRtpHeader(packetOf({ extension: Buffer.from([0xbe, 0xde, 0xff, 0xff]) }), 1)).toBeUndefined()
    const overlong = packetOf({ padding: 4 })
    overlong[overlong.length - 1] = 255
    expect(readRtpHeader(overlong, 1)).toBeUndefined()
    for (let seed = 1; seed < 5000; seed += 1) {
      const bytes = Buffer.from(
        Array.from({ length: seed % 64 }, (_, i) => (seed * 2654435761 + i * 40503 * seed) >>> (i % 13)),
      )
      expect(() => readRtpHeader(bytes, seed % 16)).not.toThrow()
    }
  })

  test('tells RTCP from RTP', () => {
    expect(isRtcp(senderReport(1, { timestamp: 0, atMs: 0, packets: 0, octets: 0 }, 0, 0))).toBe(true)
    expect(isRtcp(packetOf())).toBe(false)
  })
})

const header = (sequence: number, timestamp: number, ssrc = 1): RtpHeader => ({
  payloadType: 111,
  marker: false,
  sequence,
  timestamp,
  ssrc,
  payloadOffset: 12,
  payloadEnd: 12,
  level: -1,
})

describe('rewriting', () => {
  test('starts at the given numbers and keeps the steps of the source, over the wrap', () => {
    const rewriter = createRewriter(65_535, 1000)
    expect(rewriter.rewrite(header(65_534, 50), 0)).toEqual({ sequence: 65_535, timestamp: 1000, marker: true })
    expect(rewriter.rewrite(header(65_535, 1010), 20)).toEqual({ sequence: 0, timestamp: 1960, marker: false })
    expect(rewriter.rewrite(header(1, 2930), 60)).toMatchObject({ sequence: 2, timestamp: 3880 })
  })

  test('keeps reordered packets in their place', () => {
    const rewriter = createRewriter(100, 0)
    rewriter.rewrite(header(10, 0), 0)
    expect(rewriter.rewrite(header(12, 1920), 40)).toMatchObject({ sequence: 102 })
    expect(rewriter.rewrite(header(11, 960), 41)).toMatchObject({ sequence: 101 })
    expect(rewriter.rewrite(header(13, 2880), 60)).toMatchObject({ sequence: 103 })
  })

  test('leaves no hole in the numbers for a pause, but keeps its time', () => {
    const rewriter = createRewriter(100, 0)
    rewriter.rewrite(header(10, 0), 0)
    rewriter.pause()
    expect(rewriter.rewrite(header(60, 48_000), 1000)).toEqual({ sequence: 101, timestamp: 48_000, marker: true })
    expect(rewriter.rewrite(header(59, 47_040), 1001)).toBeUndefined()
    expect(rewriter.rewrite(header(61, 48_960), 1020)).toMatchObject({ sequence: 102, timestamp: 48_960 })
  })

  test('goes on where a restarted source begins anew, by the time that passed', () => {
    const rewriter = createRewriter(100, 0)
    rewriter.rewrite(header(10, 0), 0)
    expect(rewriter.rewrite(header(5000, 777, 2), 500)).toEqual({ sequence: 101, timestamp: 24_000, marker: true })
  })

  test('writes a bare header before the payload', () => {
    const packet = writePacket(111, { sequence: 5, timestamp: 6, marker: true }, Buffer.from([9]))
    expect([...packet]).toEqual([0x80, 0xef, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 9])
  })
})

describe('reports', () => {
  test('a receiver report counts what did not come', () => {
    const reception = createReception()
    for (const sequence of [65_534, 65_535, 0, 2]) reception.received(sequence, sequence * 960, sequence * 20)
    const { packet, lost } = reception.report(1, 2, 1000)
    expect(lost).toBeCloseTo(0.2)
    expect(packet.readUIntBE(13, 3)).toBe(1)
    expect(packet.readUInt32BE(16)).toBe(65_536 + 2)
    expect(reception.report(1, 2, 2000).lost).toBe(0)
  })

  test('a sender report says the timestamp of now', () => {
    const report = senderReport(9, { timestamp: 1000, atMs: 0, packets: 3, octets: 30 }, 100, 1_000)
    expect(report.readUInt32BE(4)).toBe(9)
    expect(report.readUInt32BE(8)).toBe(2_208_988_801)
    expect(report.readUInt32BE(16)).toBe(1000 + 4800)
  })
})
