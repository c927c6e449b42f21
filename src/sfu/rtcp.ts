/** The two RTCP reports (RFC 3550 section 6.4) a forwarder owes: to publishers what arrived, to subscribers the clock. */

const NTP_EPOCH_OFFSET_S = 2_208_988_800
const CLOCK_PER_MS = 48

export type SenderState = { timestamp: number; atMs: number; packets: number; octets: number }

/** Sender report: says which RTP timestamp belongs to the wall clock now. `unixMs` is wall-clock time. */
export const senderReport = (ssrc: number, state: SenderState, nowMs: number, unixMs: number): Buffer => {
  const packet = Buffer.alloc(28)
  packet[0] = 0x80
  packet[1] = 200
  packet.writeUInt16BE(6, 2)
  packet.writeUInt32BE(ssrc, 4)
  packet.writeUInt32BE((Math.floor(unixMs / 1000) + NTP_EPOCH_OFFSET_S) >>> 0, 8)
  packet.writeUInt32BE(Math.floor(((unixMs % 1000) / 1000) * 2 ** 32) >>> 0, 12)
  packet.writeUInt32BE((state.timestamp + Math.round((nowMs - state.atMs) * CLOCK_PER_MS)) >>> 0, 16)
  packet.writeUInt32BE(state.packets >>> 0, 20)
  packet.writeUInt32BE(state.octets >>> 0, 24)
  return packet
}

export type Reception = {
  received(sequence: number, timestamp: number, nowMs: number): void
  senderReportArrived(packet: Buffer, nowMs: number): void
  /** Ends a reporting interval: a receiver report, how many packets were lost in it, and their share, 0 to 1. */
  report(ownSsrc: number, mediaSsrc: number, nowMs: number): { packet: Buffer; lost: number; lostPackets: number }
}

/** Counts what arrived of one stream: loss, and jitter by RFC 3550 appendix A.8. */
export const createReception = (): Reception => {
  let base = -1
  let highest = 0
  let cycles = 0
  let count = 0
  let jitter = 0
  let transit: number | undefined
  let expectedBefore = 0
  let countBefore = 0
  let lastReport = 0
  let lastReportMs = 0

  return {
    received: (sequence, timestamp, nowMs) => {
      if (base < 0) {
        base = sequence
        highest = sequence
      } else if (((sequence - highest) & 0xffff) < 0x8000) {
        if (sequence < highest) cycles += 0x10000
        highest = sequence
      }
      count += 1
      const now = (Math.round(nowMs * CLOCK_PER_MS) - timestamp) | 0
      if (transit !== undefined) jitter += (Math.abs((now - transit) | 0) - jitter) / 16
      transit = now
    },
    senderReportArrived: (packet, nowMs) => {
      if (packet.length < 16 || packet[1] !== 200) return
      lastReport = packet.readUInt32BE(10)
      lastReportMs = nowMs
    },
    report: (ownSsrc, mediaSsrc, nowMs) => {
      const extended = cycles + highest
      const expected = base < 0 ? 0 : extended - base + 1
      const expectedNow = expected - expectedBefore
      const lostNow = Math.max(0, expectedNow - (count - countBefore))
      expectedBefore = expected
      countBefore = count
      const lost = expectedNow > 0 ? Math.min(1, lostNow / expectedNow) : 0
      const packet = Buffer.alloc(32)
      packet[0] = 0x81
      packet[1] = 201
      packet.writeUInt16BE(7, 2)
      packet.writeUInt32BE(ownSsrc, 4)
      packet.writeUInt32BE(mediaSsrc, 8)
      packet[12] = Math.min(255, Math.floor(lost * 256))
      packet.writeUIntBE(Math.min(0x7fffff, Math.max(0, expected - count)), 13, 3)
      packet.writeUInt32BE(extended >>> 0, 16)
      packet.writeUInt32BE(Math.min(0xffffffff, Math.round(jitter)), 20)
      packet.writeUInt32BE(lastReport, 24)
      packet.writeUInt32BE(lastReport ? Math.round(((nowMs - lastReportMs) / 1000) * 65536) >>> 0 : 0, 28)
      return { packet, lost, lostPackets: lostNow }
    },
  }
}
