import { type Channels, FRAME_SAMPLES, SAMPLE_RATE } from '../frame.ts'
import { createOpusEncoder } from '../opus.ts'
import { createOggWriter } from './ogg-writer.ts'

export type OpusWriterOptions = {
  channels: Channels
  /** Bits per second. */
  bitrate: number
  /** Vorbis comments: `TITLE`, `ARTIST`, … */
  tags: Record<string, string>
  /** Takes each Ogg page when it is whole. */
  give(page: Buffer): void
}

/** What libopus delays a signal by in its `audio` mode at 48 kHz (OPUS_GET_LOOKAHEAD: 2.5 ms + 4 ms). */
const PRE_SKIP = 312
const PACKET_SAMPLES = 960
const PACKETS_A_PAGE = 50

/** Writes Opus in Ogg (RFC 7845): frames of 10 ms in, pages out; to the sample as long as what was written. */
export const createOpusWriter = async ({ channels, bitrate, tags, give }: OpusWriterOptions) => {
  const encoder = await createOpusEncoder({ channels, bitrate })
  const ogg = createOggWriter(Math.floor(Math.random() * 2 ** 32), give)
  ogg.push(headOf(channels), 0)
  ogg.endPage()
  ogg.push(tagsOf(tags), 0)
  ogg.endPage()
  const packet = new Int16Array(PACKET_SAMPLES * channels)
  let filled = 0
  let written = 0
  let encoded = 0
  let onPage = 0

  const encode = (granule: number) => {
    // A page is ended by the packet after it, so that the last one is never empty.
    if (onPage === PACKETS_A_PAGE) {
      ogg.endPage()
      onPage = 0
    }
    ogg.push(encoder.encode(packet), granule)
    onPage++
    filled = 0
    encoded += PACKET_SAMPLES
  }

  return {
    write: (frame: Int16Array) => {
      packet.set(frame, filled)
      filled += frame.length
      written += FRAME_SAMPLES
      if (filled === packet.length) encode(encoded + PACKET_SAMPLES)
    },
    /** The end of the last page says how much of it counts. */
    end: () => {
      const end = PRE_SKIP + written
      while (encoded < end || encoded === 0) {
        packet.fill(0, filled)
        encode(Math.min(end, encoded + PACKET_SAMPLES))
      }
      ogg.endPage(true)
      encoder.close()
    },
  }
}

const headOf = (channels: Channels): Buffer => {
  const head = Buffer.alloc(19)
  head.write('OpusHead', 0, 'latin1')
  head[8] = 1
  head[9] = channels
  head.writeUInt16LE(PRE_SKIP, 10)
  head.writeUInt32LE(SAMPLE_RATE, 12)
  return head
}

const tagsOf = (tags: Record<string, string>): Buffer => {
  const comments = Object.entries(tags).map(([name, value]) => counted(`${name}=${value}`))
  const count = Buffer.alloc(4)
  count.writeUInt32LE(comments.length)
  return Buffer.concat([Buffer.from('OpusTags', 'latin1'), counted('roomtone'), count, ...comments])
}

/** A text after its length in bytes. */
const counted = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes])
}
