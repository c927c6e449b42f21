import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'
import { lastGranule, type OggPage, readPages, seekPage } from './ogg.ts'

/** Vorbis in Ogg; `head` is the page that carries the identification header (Vorbis I specification, 4.2.2). */
export const openVorbis = async (reader: ByteReader, head: OggPage): Promise<Decoding> => {
  const channels = head.body[11] ?? 0
  const sampleRate = head.body.length < 30 ? 0 : head.body.readUInt32LE(12)
  if (channels === 0 || sampleRate === 0) throw audioError('not-audio', `${reader.path} has a broken Vorbis header.`)
  const headers = await readHeaders(reader, head)
  const endGranule = await lastGranule(reader, head.serial)
  let complete = false
  let torn = false
  let endsAt: number | undefined

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis')
    const decoder = new OggVorbisDecoder()
    await decoder.ready
    try {
      yield* decodePages(decoder, fromSample)
    } finally {
      decoder.free()
    }
  }

  async function* decodePages(decoder: PageDecoder, fromSample: number): AsyncGenerator<PcmBlock> {
    const audioAt = headers.at(-1)!.at + headers.at(-1)!.bytes.length
    const wanted = fromSample - SETTLE_SAMPLES
    const start = wanted > 0 ? await seekPage(reader, head.serial, wanted, audioAt) : audioAt
    for (const page of headers) await decoder.decode(page.bytes)
    const cut = start !== audioAt
    let position = cut ? undefined : 0
    let firstGranule: number | undefined
    const place = ({ channelData, samplesDecoded }: DecodedPage): PcmBlock[] => {
      if (samplesDecoded === 0) return []
      // In mid-stream the first page that gives sound ends at its time stamp; the decoder answers one page late.
      position ??= firstGranule! - samplesDecoded
      const count = Math.max(
        0,
        Math.min(samplesDecoded, ((complete && endGranule) || Number.POSITIVE_INFINITY) - position),
      )
      const block = { at: position, lanes: channelData.map((lane) => lane.subarray(0, count)) }
      position += samplesDecoded
      return [block]
    }
    for await (const page of readPages(reader, start, () => (torn = true))) {
      endsAt = page.at
      // Another stream of a chain begins (RFC 3533, section 4).
      if (page.first) break
      endsAt += page.bytes.length
      if (page.serial !== head.serial) continue
      yield* place(await decoder.decode(page.bytes))
      if (page.granule >= 0) firstGranule ??= page.granule
      complete = page.last
      if (page.last) break
    }
    yield* place(await decoder.flush())
  }

  return {
    info: {
      format: 'vorbis',
      sampleRate,
      channels,
      durationMs: endGranule === undefined ? undefined : (endGranule / sampleRate) * 1000,
    },
    blocks,
    endsAt: () => endsAt,
    warning: () => {
      if (torn && complete) return `${reader.path} is damaged in places.`
      return complete ? undefined : `${reader.path} is truncated: its last page is missing.`
    },
  }
}

export const isVorbisHead = (body: Buffer): boolean => body[0] === 1 && body.toString('latin1', 1, 7) === 'vorbis'

/** Vorbis blocks overlap; two of the largest size are behind us when this much was decoded. */
const SETTLE_SAMPLES = 16_384

type DecodedPage = { channelData: Float32Array[]; samplesDecoded: number }
type PageDecoder = { decode(page: Uint8Array): Promise<DecodedPage>; flush(): Promise<DecodedPage> }

/** The pages up to the first sound: identification, comments, setup. */
const readHeaders = async (reader: ByteReader, { at: headAt, serial }: OggPage): Promise<OggPage[]> => {
  const pages: OggPage[] = []
  let packets = 0
  for await (const page of readPages(reader, headAt)) {
    if (page.serial !== serial) continue
    pages.push(page)
    packets += page.lacing.filter((length) => length < 255).length
    if (packets >= 3) return pages
  }
  throw audioError('not-audio', `${reader.path} is a Vorbis file without sound in it.`)
}
