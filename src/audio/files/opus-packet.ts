import { opusPacketSamples } from '../opus.ts'

/** What the decoders take at once: 60 ms at 48 kHz. */
const MAX_SAMPLES = 2880

/**
 * Takes a packet of more than 60 ms apart into its frames, each as a packet of its own (RFC 6716, section 3.2): files
 * may hold packets of up to 120 ms, which live audio never does. A packet that breaks the rules comes back as it is.
 */
export const shortPackets = (packet: Buffer): Buffer[] => {
  if (opusPacketSamples(packet) <= MAX_SAMPLES) return [packet]
  const frames = framesOf(packet)
  if (!frames) return [packet]
  // Code 0: this header byte, then one frame.
  return frames.map((frame) => Buffer.concat([Buffer.of(packet[0]! & 0xfc), frame]))
}

const framesOf = (packet: Buffer): Buffer[] | undefined => {
  const code = packet[0]! & 3
  if (code === 0) return [packet.subarray(1)]
  if (code === 1) return equalFrames(packet.subarray(1), 2)
  if (code === 2) return sizedFrames(packet.subarray(1), 2)
  const count = packet[1]! & 63
  const padding = packet[1]! & 64 ? readPadding(packet) : { bytes: 0, next: 2 }
  const body = packet.subarray(padding.next, packet.length - padding.bytes)
  return packet[1]! & 128 ? sizedFrames(body, count) : equalFrames(body, count)
}

const equalFrames = (body: Buffer, count: number): Buffer[] | undefined => {
  if (count === 0 || body.length % count !== 0) return undefined
  const size = body.length / count
  return Array.from({ length: count }, (_, i) => body.subarray(i * size, (i + 1) * size))
}

/** All sizes but the last stand in front of the frames, in one or two bytes each (section 3.2.1). */
const sizedFrames = (body: Buffer, count: number): Buffer[] | undefined => {
  const sizes: number[] = []
  let at = 0
  while (sizes.length < count - 1) {
    const first = body[at++] ?? 0
    sizes.push(first < 252 ? first : first + 4 * (body[at++] ?? 0))
  }
  const frames: Buffer[] = []
  for (const size of [...sizes, body.length - at - sizes.reduce((sum, bytes) => sum + bytes, 0)]) {
    if (size < 0 || at + size > body.length) return undefined
    frames.push(body.subarray(at, at + size))
    at += size
  }
  return frames
}

/** 255 means 254 bytes of padding and that another length byte follows (section 3.2.5). */
const readPadding = (packet: Buffer): { bytes: number; next: number } => {
  let bytes = 0
  for (let next = 2; ; ) {
    const length = packet[next++] ?? 0
    bytes += Math.min(length, 254)
    if (length < 255) return { bytes, next }
  }
}
