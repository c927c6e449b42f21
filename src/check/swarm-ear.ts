import { createEar } from '../audio/ear.ts'
import { FRAME_SAMPLES, SAMPLE_RATE } from '../audio/frame.ts'
import { findMarkers } from '../audio/markers.ts'
import { createOpusDecoder } from '../audio/opus.ts'
import type { IncomingPacket } from '../client/packets-rtp.ts'

/** Hears one track of a light participant: decodes it in the order in which it comes. */
export type SwarmEar = {
  take(packet: IncomingPacket, payload: Uint8Array): void
  heard(): {
    seconds: number
    levelDb: number
    frequencyHz: number
    longestGapMs: number
    markers: Record<number, number>
  }
  close(): void
}

/** As LiveKit's servers number it; RFC 2198. */
const RED_PAYLOAD_TYPE = 63
const MARKER_SAMPLES = 2 * SAMPLE_RATE

export const createSwarmEar = async (): Promise<SwarmEar> => {
  const decoder = await createOpusDecoder({ channels: 1 })
  const ear = createEar()
  const markers: Record<number, number> = {}
  const recent = new Int16Array(MARKER_SAMPLES)
  let filled = 0
  let lastTimestamp: number | undefined
  let mediaMs = 0

  const look = (samples: Int16Array): void => {
    for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
      const part = samples.subarray(at, at + FRAME_SAMPLES)
      recent.set(part, filled)
      filled += part.length
      if (filled + FRAME_SAMPLES <= MARKER_SAMPLES) continue
      find()
    }
  }
  const find = (): void => {
    for (const { id } of findMarkers(recent.subarray(0, filled))) markers[id] = (markers[id] ?? 0) + 1
    filled = 0
  }
  return {
    take: ({ timestamp, payloadType }, payload) => {
      const stepMs = lastTimestamp === undefined ? 0 : ((timestamp - lastTimestamp) | 0) / (SAMPLE_RATE / 1000)
      // Overtaken: its time has passed.
      if (stepMs < 0) return
      const packet = payloadType === RED_PAYLOAD_TYPE ? primaryOf(payload) : payload
      if (packet.length === 0) return
      lastTimestamp = timestamp
      mediaMs += stepMs
      try {
        const samples = decoder.decode(packet)
        ear.push(samples, 1, mediaMs)
        look(samples)
      } catch {
        // What cannot be decoded is missing: the ear finds the gap.
      }
    },
    heard: () => {
      find()
      const { seconds, levelDb, frequencyHz, longestGapMs } = ear.report()
      return { seconds, levelDb, frequencyHz, longestGapMs, markers: { ...markers } }
    },
    close: decoder.close,
  }
}

/** The newest of the packets in a redundant one: headers of four bytes each, of one byte for the last. */
const primaryOf = (payload: Uint8Array): Uint8Array => {
  let at = 0
  let redundantBytes = 0
  while (at + 3 < payload.length && (payload[at]! & 0x80) !== 0) {
    redundantBytes += ((payload[at + 2]! & 0x03) << 8) | payload[at + 3]!
    at += 4
  }
  return payload.subarray(at + 1 + redundantBytes)
}
