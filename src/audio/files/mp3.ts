import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'
import { findMpegStart, type MpegHeader, readMpegFrames } from './mpeg-frames.ts'

/**
 * MPEG layer III. Frames are cut out here and only whole ones reach the decoder, so junk between them does no harm and
 * every sample's place is known. Undefined when the file holds no such frames.
 */
export const openMp3 = async (reader: ByteReader, from: number): Promise<Decoding | undefined> => {
  const start = await findMpegStart(reader, from)
  if (!start) return undefined
  const { header } = start
  const tag = parseInfoTag(await reader.read(start.at, header.bytes), header)
  const audioAt = start.at + (tag ? header.bytes : 0)
  const delay = tag?.delay ?? 0
  // Without a tag the length is told by the first frame's bitrate.
  const frames = tag?.frames ?? Math.floor((reader.size - audioAt) / header.averageBytes)
  const total = frames * header.samples - delay - (tag?.padding ?? 0)
  let decoded = 0
  let damaged = false

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const { MPEGDecoder } = await import('mpg123-decoder')
    const decoder = new MPEGDecoder({ enableGapless: false })
    await decoder.ready
    const firstFrame = Math.max(0, Math.floor((fromSample + delay) / header.samples) - RESERVOIR_FRAMES)
    let index = 0
    decoded = 0
    try {
      for await (const frame of readMpegFrames(reader, audioAt, header, () => (damaged = true))) {
        decoded++
        if (index++ < firstFrame) continue
        const { channelData, samplesDecoded } = decoder.decode(frame)
        const at = (index - 1) * header.samples - delay
        const keep = tag ? Math.max(0, Math.min(samplesDecoded, total - at)) : samplesDecoded
        yield { at, lanes: channelData.slice(0, header.channels).map((lane) => lane.subarray(0, keep)) }
      }
    } finally {
      decoder.free()
    }
  }

  return {
    info: {
      format: 'mp3',
      sampleRate: header.sampleRate,
      channels: header.channels,
      durationMs: Number.isFinite(total) ? (total / header.sampleRate) * 1000 : undefined,
    },
    blocks,
    warning: () => {
      if (tag && decoded < tag.frames) return `${reader.path} is truncated: ${tag.frames - decoded} frames are missing.`
      return damaged ? `${reader.path} is damaged in places.` : undefined
    },
  }
}

/** A frame may lean on the bits of this many before it. */
const RESERVOIR_FRAMES = 10
/** What every layer III decoder itself delays by. */
const DECODER_DELAY = 529

/**
 * The first frame of most files holds no sound but an information tag: how many frames follow, and how many samples the
 * encoder put in front and behind (the LAME tag, gabriel.mp3-tech.org/mp3infotag.html).
 */
const parseInfoTag = (frame: Buffer, header: MpegHeader) => {
  const at = 4 + header.sideInfoBytes
  const name = frame.toString('latin1', at, at + 4)
  if ((name !== 'Xing' && name !== 'Info') || frame.length < at + 12) return undefined
  const flags = frame.readUInt32BE(at + 4)
  if ((flags & 1) === 0) return undefined
  const frames = frame.readUInt32BE(at + 8)
  const lameAt = at + 8 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0)
  if (frame.length < lameAt + 24 || !/^(LAME|Lav|GOGO)/.test(frame.toString('latin1', lameAt, lameAt + 4))) {
    return { frames, delay: 0, padding: 0 }
  }
  const [a, b, c] = [frame[lameAt + 21]!, frame[lameAt + 22]!, frame[lameAt + 23]!]
  const padding = ((b & 15) << 8) | c
  return {
    frames,
    delay: ((a << 4) | (b >> 4)) + DECODER_DELAY,
    padding: Math.max(0, padding - DECODER_DELAY),
  }
}
