import { describe, expect, it } from 'vitest'
import { createOpusDecoder } from '../../../src/audio/opus.ts'
import { encodeMarkers } from '../../../src/client/packets-markers.ts'
import { createReception, spreadOf } from '../../../src/client/packets-received.ts'
import { fillPacket, layOutPacket, readPacket } from '../../../src/client/packets-rtp.ts'

const plain = (sequence: number) => ({
  sequence,
  timestamp: sequence * 960,
  payloadType: 111,
  payloadAt: 12,
  payloadBytes: 80,
  stamp: undefined,
})

describe('packets of a light participant', () => {
  it('carry their number and time, and decode to the same sound as without', async () => {
    const [first] = await encodeMarkers({ everyMs: 200, id: 0 })
    const packet = layOutPacket(first!, 0xdeadbeef)
    fillPacket(packet, { sequence: 65_537, timestamp: 2 ** 32 + 5, index: 4_000_000_000, sentAtMs: 1.79e12 + 0.125 })
    expect(packet.readUInt32BE(4)).toBe(5)
    const read = readPacket(packet)!
    expect(read).toMatchObject({ sequence: 1, stamp: { index: 4_000_000_000, sentAtMs: 1.79e12 + 0.125 } })
    const [bare, stamped] = [await createOpusDecoder({ channels: 1 }), await createOpusDecoder({ channels: 1 })]
    expect(stamped.decode(packet.subarray(packet.length - read.payloadBytes))).toEqual(bare.decode(first!.data))
  })

  it('must hold one frame to be stamped', () => {
    const twoFrames = { data: Uint8Array.of(0b11, 2, 0, 0), level: 30 }
    expect(() => layOutPacket(twoFrames, 1)).toThrow(expect.objectContaining({ code: 'bad-packet' }))
  })

  it('bear no stamp where its time is no number', async () => {
    const [first] = await encodeMarkers({ everyMs: 200, id: 0 })
    const packet = layOutPacket(first!, 1)
    fillPacket(packet, { sequence: 1, timestamp: 0, index: 1, sentAtMs: Number.NaN })
    expect(readPacket(packet)).toMatchObject({ sequence: 1, stamp: undefined })
  })

  it('are told from reports and from noise', () => {
    expect(readPacket(Buffer.from('80c80006000000010000000000000000', 'hex'))).toBeUndefined()
    expect(readPacket(Buffer.from('hello'))).toBeUndefined()
    const foreign = Buffer.from('806f000100000001000000027801020304', 'hex')
    expect(readPacket(foreign)).toEqual({
      sequence: 1,
      timestamp: 1,
      payloadType: 111,
      payloadAt: 12,
      payloadBytes: 5,
      stamp: undefined,
    })
  })
})

describe('what was received', () => {
  it('counts loss, duplicates and disorder, also where sequence numbers start over', () => {
    const reception = createReception()
    for (const [place, sequence] of [65_533, 65_534, 65_534, 1, 0, 65_535, 4].entries())
      reception.take(plain(sequence), place * 20, 0)
    expect(reception.received().rtp).toEqual({
      first: 65_533,
      last: 65_540,
      packets: 6,
      lost: 2,
      duplicates: 1,
      reordered: 2,
    })
    expect(reception.received().stamped.packets).toBe(0)
  })

  it('spreads delays and gaps over several receptions', () => {
    const all = [10, 30].map((delayMs) => {
      const reception = createReception()
      for (let i = 0; i < 100; i++)
        reception.take({ ...plain(i), stamp: { index: i, sentAtMs: i * 20 } }, i * 20, i * 20 + delayMs)
      return reception.received()
    })
    const delay = spreadOf(all.map(({ delayUs }) => delayUs))!
    expect(delay.count).toBe(200)
    expect(delay.minMs).toBeCloseTo(10, 0)
    expect(delay.maxMs).toBeCloseTo(30, 0)
    const gap = spreadOf(all.map(({ gapUs }) => gapUs))!
    expect(gap.medianMs).toBeCloseTo(20, 0)
    expect(spreadOf([])).toBeUndefined()
  })
})
