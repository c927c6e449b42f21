import { FRAME_MS, FRAME_SAMPLES } from '../audio/frame.ts'
import { levelDb, SILENCE_DB } from '../audio/level.ts'
import { createMarkerSource } from '../audio/markers.ts'
import { createOpusEncoder } from '../audio/opus.ts'
import type { OpusPacket } from './packets-rtp.ts'

/** How long one packet of a light participant lasts. */
export const PACKET_MS = 20

/**
 * Encodes one period of markers: played in a loop they are what `createMarkerSource` gives. `everyMs` is a multiple of
 * 20; the markers of `id` (0 to 15) take up to 115 ms of it.
 */
export const encodeMarkers = async ({ everyMs, id }: { everyMs: number; id: number }): Promise<OpusPacket[]> => {
  const source = createMarkerSource({ everyMs, id })
  const encoder = await createOpusEncoder({ channels: 1, application: 'audio' })
  const pcm = new Int16Array((FRAME_SAMPLES * PACKET_MS) / FRAME_MS)
  const encode = (): OpusPacket => {
    source.read(pcm)
    return { data: Uint8Array.from(encoder.encode(pcm)), level: levelOf(pcm) }
  }
  try {
    const periods = Array.from({ length: (2 * everyMs) / PACKET_MS }, encode)
    // The second period begins as every later one does: with the encoder's memory of the one before.
    return periods.slice(periods.length / 2)
  } finally {
    encoder.close()
  }
}

const levelOf = (pcm: Int16Array): number => {
  const db = levelDb(pcm)
  return db <= SILENCE_DB ? 127 : Math.min(127, Math.round(-db))
}
