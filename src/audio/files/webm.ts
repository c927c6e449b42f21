import { audioError } from '../audio-error.ts'
import { createOpusDecoder, opusPacketSamples } from '../opus.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'
import { childrenOf, createElementReader, type Element, type ElementReader, floatOf, unsignedOf } from './ebml.ts'
import { lanesOf, parseOpusHead } from './opus.ts'
import { shortPackets } from './opus-packet.ts'
import type { AudioTags } from './tags.ts'
import { ID, readPackets } from './webm-packets.ts'

export const isWebm = (head: Buffer): boolean => head.toString('latin1', 0, 4) === '\x1a\x45\xdf\xa3'

/**
 * Opus in WebM or Matroska (RFC 9559), also as browsers record it: without lengths and without an index. Undefined when
 * there is no Opus in it; throws `not-audio` for what is broken.
 */
export const openWebm = async (reader: ByteReader): Promise<Decoding | undefined> => {
  const elements = createElementReader(reader)
  const { tracks, firstCluster, nsPerTick, ticks, tags } = await readHead(elements, reader)
  const track = tracks.find(({ codec }) => codec === 'A_OPUS')
  if (!track) return undefined
  const { channels, preSkip, gain } = parseOpusHead(track.codecPrivate, reader.path)
  const samplesPerTick = (nsPerTick * 48) / 1_000_000
  let damaged = false
  let truncated = false

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const decoder = await createOpusDecoder({ channels })
    try {
      const wanted = fromSample > SETTLE_SAMPLES ? fromSample + preSkip - SETTLE_SAMPLES : 0
      const startAt = wanted > 0 ? await seekCluster(elements, firstCluster, wanted / samplesPerTick) : firstCluster
      let position: number | undefined
      const packets = readPackets(elements, reader, startAt, track!.number, {
        damage: () => (damaged = true),
        cut: () => (truncated = true),
      })
      for await (const { packet, ticks: at, discardNs } of packets) {
        const samples = opusPacketSamples(packet)
        if (at !== undefined) {
          const told = Math.round((at * samplesPerTick - origin) / LEAST_PACKET) * LEAST_PACKET
          // Times are rounded to a millisecond, packets are not; a jump is a pause, or what damage tore out.
          if (position === undefined || told > position + LEAST_JUMP) position = told
        }
        position ??= 0
        const keep = Math.max(0, samples - Math.round((discardNs * 48) / 1_000_000))
        if (position + samples > wanted) {
          let from = position
          for (const short of shortPackets(packet)) {
            const pcm = decodePacket(decoder.decode, short)
            const count = Math.max(0, Math.min(pcm.length / channels, position + keep - from))
            yield { at: from - preSkip, lanes: lanesOf(pcm, count, channels, gain) }
            from += pcm.length / channels
          }
        }
        position += samples
      }
    } finally {
      decoder.close()
    }
  }

  const decodePacket = (decode: (packet: Uint8Array) => Int16Array, packet: Buffer): Int16Array => {
    try {
      return decode(packet)
    } catch {
      damaged = true
      return new Int16Array(Math.min(opusPacketSamples(packet), MAX_PACKET_SAMPLES) * channels)
    }
  }

  const origin = await firstTime(elements, reader, firstCluster, track.number).then((at) => at * samplesPerTick)
  return {
    info: {
      format: 'webm',
      sampleRate: 48_000,
      channels,
      durationMs: ticks > 0 ? Math.max(0, (ticks * nsPerTick) / 1_000_000 - preSkip / 48) : undefined,
    },
    tags,
    blocks,
    warning: () => {
      if (truncated) return `${reader.path} is truncated: its end is missing.`
      return damaged ? `${reader.path} is damaged in places.` : undefined
    },
  }
}

/** 320 ms: after the 80 of RFC 7845 the end of what came before can still be measured. */
const SETTLE_SAMPLES = 15_360
/** 120 ms, the longest there are (RFC 6716, section 2.1.4). */
const MAX_PACKET_SAMPLES = 5760
/** 2.5 ms: all lengths are multiples of it. */
const LEAST_PACKET = 120
const LEAST_JUMP = 2880
const MAX_HEAD_ELEMENT = 4 * 1024 * 1024

type Track = { number: number; codec: string; codecPrivate: Buffer }

const readHead = async (elements: ElementReader, reader: ByteReader) => {
  let tracks: Track[] = []
  const tags: AudioTags = {}
  let nsPerTick = 1_000_000
  let ticks = 0
  const broken = () => audioError('not-audio', `${reader.path} is a WebM file with a broken header.`)
  for (let at = 0; ; ) {
    const element = await elements.element(at)
    if (!element) throw broken()
    const { id, dataAt, bytes } = element
    if (id === ID.cluster) return { tracks, tags, nsPerTick, ticks, firstCluster: at }
    if (id === ID.segment) {
      at = dataAt
      continue
    }
    if (dataAt + bytes > reader.size || !Number.isFinite(bytes)) throw broken()
    if (id === ID.info || id === ID.tracks || id === ID.tags) {
      if (bytes > MAX_HEAD_ELEMENT) throw broken()
      const data = await elements.read(dataAt, bytes)
      if (id === ID.tracks) tracks = tracksOf(data)
      if (id === ID.tags) tags.artist ??= artistOf(data)
      for (const child of id === ID.info ? childrenOf(data) : []) {
        if (child.id === ID.timestampScale) nsPerTick = unsignedOf(child.data) || nsPerTick
        if (child.id === ID.duration) ticks = floatOf(child.data)
        if (child.id === ID.title) tags.title = child.data.toString('utf8').trim() || undefined
      }
    }
    at = dataAt + bytes
  }
}

const tracksOf = (data: Buffer): Track[] =>
  childrenOf(data)
    .filter(({ id }) => id === ID.trackEntry)
    .map((entry) => {
      const fields = childrenOf(entry.data)
      const field = (id: number) => fields.find((child) => child.id === id)?.data ?? Buffer.alloc(0)
      return {
        number: unsignedOf(field(ID.trackNumber)),
        codec: field(ID.codecId).toString('latin1').replace(/\0+$/, ''),
        codecPrivate: field(ID.codecPrivate),
      }
    })

const artistOf = (data: Buffer): string | undefined => {
  for (const tag of childrenOf(data)) {
    for (const simple of childrenOf(tag.data).filter(({ id }) => id === ID.simpleTag)) {
      const fields = childrenOf(simple.data)
      const text = (id: number) =>
        fields
          .find((field) => field.id === id)
          ?.data.toString('utf8')
          .trim()
      if (text(ID.tagName)?.toUpperCase() === 'ARTIST') return text(ID.tagString) || undefined
    }
  }
  return undefined
}

/** The first time stamp of a track: what was recorded live does not begin at 0. */
const firstTime = async (elements: ElementReader, reader: ByteReader, firstCluster: number, track: number) => {
  const packets = readPackets(elements, reader, firstCluster, track, { damage: () => {}, cut: () => {} })
  for await (const { ticks } of packets) if (ticks !== undefined) return ticks
  throw audioError('not-audio', `${reader.path} is a WebM file without sound in it.`)
}

/** The last cluster that begins at or before `ticks`, from one to the next; the first where their sizes are not told. */
const seekCluster = async (elements: ElementReader, firstCluster: number, ticks: number): Promise<number> => {
  let found = firstCluster
  for (let at = firstCluster; ; ) {
    const element: Element | undefined = await elements.element(at)
    if (!element || !Number.isFinite(element.bytes)) return found
    if (element.id === ID.cluster) {
      const time = await elements.element(element.dataAt)
      if (time?.id !== ID.timestamp || time.bytes > 8) return found
      if (unsignedOf(await elements.read(time.dataAt, time.bytes)) > ticks) return found
      found = at
    }
    at = element.dataAt + element.bytes
  }
}
