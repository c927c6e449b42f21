/** RTP packets (RFC 3550) as a forwarder needs them: read the header, give the stream a continuous one, never the sound. */

export type RtpHeader = {
  payloadType: number
  marker: boolean
  sequence: number
  timestamp: number
  ssrc: number
  payloadOffset: number
  /** Where the payload ends: padding comes after it. */
  payloadEnd: number
  /** Sound level in -dBov, 0 (loud) to 127 (silence), from the header extension of RFC 6464; -1 when not carried. */
  level: number
}

const ONE_BYTE_PROFILE = 0xbede

/** True for RTCP multiplexed with RTP (RFC 5761 section 4). */
export const isRtcp = (packet: Buffer): boolean => packet.length >= 2 && packet[1]! >= 192 && packet[1]! <= 223

/** Undefined when the packet is malformed. */
export const readRtpHeader = (packet: Buffer, levelExtensionId: number): RtpHeader | undefined => {
  if (packet.length < 12 || packet[0]! >> 6 !== 2) return undefined
  const sources = 12 + (packet[0]! & 0x0f) * 4
  const extended = (packet[0]! & 0x10) !== 0
  if (packet.length < sources + (extended ? 4 : 0)) return undefined
  const payloadOffset = extended ? sources + 4 + packet.readUInt16BE(sources + 2) * 4 : sources
  const payloadEnd = (packet[0]! & 0x20) !== 0 ? packet.length - packet[packet.length - 1]! : packet.length
  if (payloadOffset > payloadEnd) return undefined
  return {
    payloadType: packet[1]! & 0x7f,
    marker: (packet[1]! & 0x80) !== 0,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    payloadOffset,
    payloadEnd,
    level: extended && levelExtensionId > 0 ? readLevel(packet, sources, payloadOffset, levelExtensionId) : -1,
  }
}

export type OutgoingHeader = { sequence: number; timestamp: number; marker: boolean }

export type Rewriter = {
  /** Undefined for a packet from before the last gap, which has no place left in the outgoing stream. */
  rewrite(header: RtpHeader, nowMs: number): OutgoingHeader | undefined
  /** The source pauses: what comes next continues the sequence at once, whatever its own number. */
  pause(): void
}

const CLOCK_PER_MS = 48
const LATE_WINDOW = 0x2000
const MAX_JUMP = 1000

/**
 * Keeps one outgoing stream continuous over pauses and over a restarted source: sequence numbers without a hole of our
 * making, timestamps that run with the source's clock. `firstSequence` and `firstTimestamp` should be random (RFC 3550).
 */
export const createRewriter = (firstSequence: number, firstTimestamp: number): Rewriter => {
  let sequenceOffset = 0
  let timestampOffset = 0
  let ssrc: number | undefined
  let anchored = false
  let oldest = 0
  let newestIn = 0
  let newestOut = (firstSequence - 1) & 0xffff
  let lastTimestamp = firstTimestamp
  let lastMs = 0

  const anchor = (header: RtpHeader, nowMs: number): void => {
    sequenceOffset = (newestOut + 1 - header.sequence) & 0xffff
    oldest = header.sequence
    newestIn = header.sequence
    if (ssrc !== header.ssrc) {
      const elapsed = ssrc === undefined ? 0 : Math.max(1, Math.round(nowMs - lastMs)) * CLOCK_PER_MS
      timestampOffset = (lastTimestamp + elapsed - header.timestamp) >>> 0
    }
    ssrc = header.ssrc
    anchored = true
  }

  return {
    rewrite: (header, nowMs) => {
      const jump = Math.abs(distance(header.sequence, newestIn)) > MAX_JUMP
      const fresh = !anchored || ssrc !== header.ssrc || jump
      if (fresh) anchor(header, nowMs)
      if (distance(header.sequence, oldest) < 0) return undefined
      const sequence = (header.sequence + sequenceOffset) & 0xffff
      const timestamp = (header.timestamp + timestampOffset) >>> 0
      if (fresh || distance(header.sequence, newestIn) > 0) {
        newestIn = header.sequence
        newestOut = sequence
        lastTimestamp = timestamp
        lastMs = nowMs
        if (distance(newestIn, oldest) > LATE_WINDOW) oldest = (newestIn - LATE_WINDOW) & 0xffff
      }
      return { sequence, timestamp, marker: fresh || header.marker }
    },
    pause: () => {
      anchored = false
    },
  }
}

/** Writes a bare header (no extension, no contributing sources) before `payload`. */
export const writePacket = (payloadType: number, out: OutgoingHeader, payload: Buffer): Buffer => {
  const packet = Buffer.allocUnsafe(12 + payload.length)
  packet[0] = 0x80
  packet[1] = payloadType | (out.marker ? 0x80 : 0)
  packet.writeUInt16BE(out.sequence, 2)
  packet.writeUInt32BE(out.timestamp, 4)
  packet.writeUInt32BE(0, 8)
  payload.copy(packet, 12)
  return packet
}

/** Signed distance of two 16-bit sequence numbers. */
const distance = (to: number, from: number): number => (((to - from) & 0xffff) << 16) >> 16

const readLevel = (packet: Buffer, at: number, end: number, id: number): number => {
  const profile = packet.readUInt16BE(at)
  const oneByte = profile === ONE_BYTE_PROFILE
  if (!oneByte && profile >> 4 !== 0x100) return -1
  for (let position = at + 4; position < end; ) {
    const head = packet[position]!
    if (head === 0) {
      position += 1
      continue
    }
    const elementId = oneByte ? head >> 4 : head
    const dataAt = position + (oneByte ? 1 : 2)
    const length = oneByte ? (head & 0x0f) + 1 : (packet[position + 1] ?? 0)
    if (dataAt + length > end || (oneByte && elementId === 15)) return -1
    if (elementId === id && length > 0) return packet[dataAt]! & 0x7f
    position = dataAt + length
  }
  return -1
}
