/**
 * RTP packets (RFC 3550) as a light participant writes and reads them. Each one it sends carries a stamp, its number
 * and when it was sent, in the padding that an Opus packet may have (RFC 6716, section 3.2.5): decoders pass it over,
 * and a server that forwards Opus hands it on whatever it does to sequence numbers and timestamps.
 */

/** An Opus packet of one frame, ready to be sent again and again. */
export type OpusPacket = {
  data: Uint8Array
  /** Loudness in -dBov for the header extension of RFC 6464: 0 is the loudest, 127 silence. */
  level: number
}

export type OutgoingPacket = {
  sequence: number
  timestamp: number
  index: number
  /** ms since 1970, with fractions. */
  sentAtMs: number
}

export const AUDIO_LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level'
export const LEVEL_EXTENSION_ID = 1
export const OPUS_PAYLOAD_TYPE = 111

const HEADER_BYTES = 20
const STAMP_BYTES = 16
/** Marks a stamp: "rtpk". */
const STAMP_MAGIC = 0x7274706b
const CODE_OF_TOC = 0b11
/** Code 3, constant bit rate, padding, one frame (RFC 6716, figure 5). */
const ONE_PADDED_FRAME = 0b0100_0001

/** Now, in ms since 1970 with fractions: the same clock in every process of one machine, but for adjustments of its time. */
export const wallMs = (): number => performance.timeOrigin + performance.now()

/**
 * Lays an Opus packet out as RTP, header extension and room for the stamp included; `fillPacket` completes it for each
 * sending. Throws an Error with code `bad-packet` for a packet that does not hold exactly one frame.
 */
export const layOutPacket = ({ data, level }: OpusPacket, ssrc: number): Buffer => {
  if (data.length === 0 || (data[0]! & CODE_OF_TOC) !== 0)
    throw Object.assign(new Error('Only Opus packets of one frame can be stamped.'), { code: 'bad-packet' })
  const packet = Buffer.alloc(HEADER_BYTES + data.length + 2 + STAMP_BYTES)
  packet[0] = 0x90
  packet[1] = OPUS_PAYLOAD_TYPE
  packet.writeUInt32BE(ssrc, 8)
  packet.writeUInt32BE(0xbede0001, 12)
  packet[16] = LEVEL_EXTENSION_ID << 4
  packet[17] = (level < 127 ? 0x80 : 0) | level
  packet[HEADER_BYTES] = data[0]! | CODE_OF_TOC
  packet[HEADER_BYTES + 1] = ONE_PADDED_FRAME
  packet[HEADER_BYTES + 2] = STAMP_BYTES
  packet.set(data.subarray(1), HEADER_BYTES + 3)
  packet.writeUInt32BE(STAMP_MAGIC, packet.length - STAMP_BYTES)
  return packet
}

export const fillPacket = (packet: Buffer, { sequence, timestamp, index, sentAtMs }: OutgoingPacket): void => {
  packet.writeUInt16BE(sequence & 0xffff, 2)
  packet.writeUInt32BE(timestamp >>> 0, 4)
  packet.writeUInt32BE(index, packet.length - 12)
  packet.writeDoubleBE(sentAtMs, packet.length - 8)
}

export type IncomingPacket = {
  sequence: number
  /** Of the sender's clock of 48 kHz, modulo 2^32. */
  timestamp: number
  payloadType: number
  /** Where the payload stands in the datagram. */
  payloadAt: number
  payloadBytes: number
  /** From a light participant; undefined for what other clients send. */
  stamp: { index: number; sentAtMs: number } | undefined
}

/** Undefined for RTCP (RFC 5761, section 4) and for what is no RTP. */
export const readPacket = (packet: Buffer): IncomingPacket | undefined => {
  if (packet.length < 12 || packet[0]! >> 6 !== 2 || (packet[1]! >= 192 && packet[1]! <= 223)) return undefined
  const extensionAt = 12 + (packet[0]! & 0x0f) * 4
  const isExtended = (packet[0]! & 0x10) !== 0
  if (isExtended && packet.length < extensionAt + 4) return undefined
  const payloadAt = isExtended ? extensionAt + 4 + packet.readUInt16BE(extensionAt + 2) * 4 : extensionAt
  const payloadEnd = packet.length - ((packet[0]! & 0x20) !== 0 ? packet[packet.length - 1]! : 0)
  if (payloadAt > payloadEnd) return undefined
  return {
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    payloadType: packet[1]! & 0x7f,
    payloadAt,
    payloadBytes: payloadEnd - payloadAt,
    stamp: readStamp(packet, payloadAt, payloadEnd),
  }
}

const readStamp = (packet: Buffer, from: number, end: number): IncomingPacket['stamp'] => {
  if (end - from < 3 + STAMP_BYTES || packet[from + 1] !== ONE_PADDED_FRAME) return undefined
  if (packet.readUInt32BE(end - STAMP_BYTES) !== STAMP_MAGIC) return undefined
  const sentAtMs = packet.readDoubleBE(end - 8)
  return Number.isFinite(sentAtMs) ? { index: packet.readUInt32BE(end - 12), sentAtMs } : undefined
}
