import { type AudioSource, SAMPLE_RATE } from '../frame.ts'
import { createSampleRing } from '../sample-ring.ts'
import { type DecodeOptions, openDecoded } from './decode.ts'
import type { AudioFileInfo } from './decoding.ts'

export type AudioFileSource = AudioSource & {
  readonly info: AudioFileInfo
  /** Media time of the next frame that `read` will give. */
  positionMs(): number
  /** What was wrong with the file, once that is known: at the latest when `read` said `ended`. */
  warning(): string | undefined
}

/** How much is decoded ahead of the reader. */
const AHEAD_MS = 2000

/**
 * Opens a sound file as a source of 48 kHz frames. It is decoded by streaming, about two seconds ahead, so its length
 * does not matter for memory; `startMs` begins elsewhere than at the start. Errors: see `openDecoded`.
 */
export const openAudioFile = async (path: string, options: DecodeOptions = {}): Promise<AudioFileSource> => {
  const decoded = await openDecoded(path, options)
  const { channels } = decoded
  const ring = createSampleRing((AHEAD_MS * SAMPLE_RATE * channels) / 1000)
  const startMs = options.startMs ?? 0
  let state: 'decoding' | 'drained' | 'closed' = 'decoding'
  let failure: string | undefined
  let samplesRead = 0

  const decodeAhead = async () => {
    try {
      for await (const piece of decoded.pcm()) {
        await ring.write(piece, () => state === 'closed')
        if (state === 'closed') break
      }
    } catch {
      failure = `${path} stopped being readable in the middle.`
    }
    if (state === 'decoding') state = 'drained'
    await decoded.close()
  }
  const decoding = decodeAhead()
  await Promise.race([decoding, ring.firstFilled])

  return {
    channels,
    info: decoded.info,
    positionMs: () => startMs + (samplesRead / channels / SAMPLE_RATE) * 1000,
    warning: () => failure ?? (state === 'drained' ? decoded.warning() : undefined),
    read: (into) => {
      if (state === 'decoding' && ring.length() < into.length) {
        into.fill(0)
        return 'starved'
      }
      const got = ring.read(into)
      samplesRead += got
      into.fill(0, got)
      return state === 'decoding' || ring.length() > 0 ? 'frame' : 'ended'
    },
    close: async () => {
      state = 'closed'
      ring.release()
      await decoding
    },
  }
}
