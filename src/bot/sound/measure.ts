import { openDecoded } from '../../audio/files/decode.ts'
import type { AudioFileInfo } from '../../audio/files/decoding.ts'
import { type Channels, SAMPLE_RATE } from '../../audio/frame.ts'
import { createLoudnessMeter } from '../../audio/loudness.ts'
import { cleanTitle } from './title.ts'

/** What decoding a file from end to end tells. Null loudness: nothing in it is louder than -70 LUFS. */
export type Measured = {
  format: AudioFileInfo['format']
  /** Of its sound as it will be played, to the sample. */
  durationMs: number
  channels: Channels
  lufs: number | null
  truePeakDb: number | null
  title: string | null
  artist: string | null
  /** What is wrong with it though it can be played, in one sentence. */
  warning: string | null
}

/** Loudness (EBU R128), length and tags of a whole file; errors as of `openDecoded`. */
export const measure = async (path: string): Promise<Measured> => {
  const decoded = await openDecoded(path)
  const { channels } = decoded
  const meter = createLoudnessMeter({ channels })
  let samples = 0
  try {
    const { title, artist } = await decoded.tags().catch(() => ({ title: undefined, artist: undefined }))
    for await (const piece of decoded.pcm()) {
      meter.push(piece)
      samples += piece.length
    }
    const { integratedLufs, truePeakDb } = meter.result()
    return {
      format: decoded.info.format,
      durationMs: (samples / channels / SAMPLE_RATE) * 1000,
      channels,
      lufs: finite(integratedLufs),
      truePeakDb: finite(truePeakDb),
      title: cleanTitle(title),
      artist: cleanTitle(artist),
      warning: decoded.warning() ?? null,
    }
  } finally {
    await decoded.close()
  }
}

const finite = (value: number) => (Number.isFinite(value) ? value : null)
