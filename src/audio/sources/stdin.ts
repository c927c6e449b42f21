import type { Readable } from 'node:stream'
import { type AudioSource, SAMPLE_RATE } from '../frame.ts'
import { wholeSamples } from '../pcm-bytes.ts'
import { createSampleRing } from '../sample-ring.ts'

/** What is read ahead of time at most; beyond it the writer at the other end of the pipe has to wait. */
const AHEAD_MS = 500

/** Raw PCM (s16le, 48 kHz, mono) from a stream such as standard input. Its end ends the source. */
export const createStdinSource = (stream: Readable): AudioSource => {
  const ring = createSampleRing((AHEAD_MS * SAMPLE_RATE) / 1000)
  let state: 'reading' | 'drained' | 'closed' = 'reading'

  const readAhead = async () => {
    const pieces: Int16Array[] = []
    const take = wholeSamples((samples) => pieces.push(samples))
    try {
      for await (const chunk of stream) {
        take(chunk)
        for (const piece of pieces.splice(0)) await ring.write(piece, () => state === 'closed')
        if (state === 'closed') break
      }
    } catch {
      // A stream that breaks has ended: what came is played.
    }
    if (state === 'reading') state = 'drained'
  }
  const reading = readAhead()

  return {
    channels: 1,
    read: (into) => {
      if (state === 'reading' && ring.length() < into.length) {
        into.fill(0)
        return 'starved'
      }
      into.fill(0, ring.read(into))
      return state === 'reading' || ring.length() > 0 ? 'frame' : 'ended'
    },
    close: async () => {
      state = 'closed'
      ring.release()
      stream.destroy()
      await reading
    },
  }
}
