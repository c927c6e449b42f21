import { audioError } from '../audio-error.ts'
import type { Channels } from '../frame.ts'
import { gainOfDb } from '../level.ts'
import { createOpusDecoder, opusPacketSamples } from '../opus.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'
import { createPacketAssembler, lastGranule, type OggPage, readPages, seekPage } from './ogg.ts'
import { shortPackets } from './opus-packet.ts'

/**
 * Opus in Ogg (RFC 7845): pre-skip and the end of the last page are honoured, so files join without a gap. `head` is
 * the page that carries OpusHead.
 */
export const openOpus = async (reader: ByteReader, head: OggPage): Promise<Decoding> => {
  const { channels, preSkip, gain } = parseOpusHead(head.body, reader.path)
  const { firstAt, origin } = await findFirstAudio(reader, head)
  const endGranule = await lastGranule(reader, head.serial)
  let damaged = false
  let complete = false
  let torn = false
  let endsAt: number | undefined

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const decoder = await createOpusDecoder({ channels })
    try {
      yield* decodePages(decoder.decode, fromSample)
    } finally {
      decoder.close()
    }
  }

  async function* decodePages(decode: (packet: Uint8Array) => Int16Array, fromSample: number) {
    const wanted = origin + preSkip + fromSample - PRE_ROLL
    const start = fromSample > PRE_ROLL ? await seekPage(reader, head.serial, wanted, firstAt) : firstAt
    const assembler = createPacketAssembler()
    let position: number | undefined
    for await (const page of readPages(reader, start, () => (torn = true))) {
      endsAt = page.at
      // Another stream of a chain begins (RFC 3533, section 4).
      if (page.first) return
      endsAt += page.bytes.length
      if (page.serial !== head.serial) continue
      const packets = assembler.push(page)
      if (packets.length === 0) continue
      // Lost pages leave a hole; the time stamp says how far we are.
      const at: number = startOf(page, packets)
      position = Math.max(position ?? at, at)
      const end: number = page.last ? page.granule : Number.POSITIVE_INFINITY
      for (const packet of packets.flatMap(shortPackets)) {
        const samples = decodePacket(decode, packet)
        const keep = Math.max(0, Math.min(samples.length / channels, end - position))
        yield { at: position - origin - preSkip, lanes: lanesOf(samples, keep, channels, gain) }
        position += samples.length / channels
      }
      complete = page.last
      if (page.last) return
    }
  }

  const decodePacket = (decode: (packet: Uint8Array) => Int16Array, packet: Buffer): Int16Array => {
    try {
      return decode(packet)
    } catch {
      damaged = true
      return new Int16Array(opusPacketSamples(packet) * channels)
    }
  }

  return {
    info: {
      format: 'opus',
      sampleRate: 48_000,
      channels,
      durationMs: endGranule === undefined ? undefined : Math.max(0, endGranule - origin - preSkip) / 48,
    },
    blocks,
    endsAt: () => endsAt,
    warning: () => {
      if (damaged || (torn && complete)) return `${reader.path} is damaged in places.`
      return complete ? undefined : `${reader.path} is truncated: its last page is missing.`
    },
  }
}

export const isOpusHead = (body: Buffer): boolean => body.toString('latin1', 0, 8) === 'OpusHead'

/** A decoder that starts in the middle has settled after 80 ms (RFC 7845, section 4.6). */
const PRE_ROLL = 3840

export const parseOpusHead = (body: Buffer, path: string) => {
  const channels = body[9] ?? 0
  if (body.length < 19 || (body[8]! & 0xf0) !== 0) throw audioError('not-audio', `${path} has a broken Opus header.`)
  if (channels !== 1 && channels !== 2) {
    throw audioError('not-audio', `${path} has ${channels} Opus channels; one or two can be played.`)
  }
  return { channels: channels as Channels, preSkip: body.readUInt16LE(10), gain: gainOfDb(body.readInt16LE(16) / 256) }
}

/** Where sound begins, and its time stamp there: a recording of a live stream does not begin at 0. */
const findFirstAudio = async (reader: ByteReader, { at: headAt, serial }: OggPage) => {
  const assembler = createPacketAssembler()
  let headers = 2
  for await (const page of readPages(reader, headAt)) {
    if (page.serial !== serial) continue
    const packets = assembler.push(page)
    if (headers <= 0 && packets.length > 0)
      return { firstAt: page.at, origin: page.last ? 0 : Math.max(0, startOf(page, packets)) }
    headers -= packets.length
  }
  throw audioError('not-audio', `${reader.path} is an Opus file without sound in it.`)
}

const startOf = (page: OggPage, packets: Buffer[]) => {
  const samples = packets.reduce((sum, packet) => sum + opusPacketSamples(packet), 0)
  // The last page may say that fewer samples count than its packets hold; only a file of one page starts there.
  return page.last ? Math.max(0, page.granule - samples) : page.granule - samples
}

export const lanesOf = (samples: Int16Array, count: number, channels: Channels, gain: number): Float32Array[] =>
  Array.from({ length: channels }, (_, channel) => {
    const lane = new Float32Array(count)
    for (let i = 0; i < count; i++) lane[i] = (samples[i * channels + channel]! / 32768) * gain
    return lane
  })
