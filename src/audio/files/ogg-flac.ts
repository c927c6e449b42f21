import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'
import { parseStreamInfo } from './flac.ts'
import { frameSample, isWholeFrame } from './flac-frames.ts'
import { createPacketAssembler, lastGranule, type OggPage, readPages, seekPage } from './ogg.ts'

/**
 * FLAC in Ogg (RFC 9639, section 10.1): a packet is a frame. `head` is the page that carries the mapping header. What was
 * taken from a live stream does not begin at sample 0.
 */
export const openOggFlac = async (reader: ByteReader, head: OggPage): Promise<Decoding> => {
  const info = streamInfoOf(head, reader.path)
  const first = await findFirstFrame(reader, head)
  const origin = frameSample(first.frame, info) ?? 0
  const endSample = await lastGranule(reader, head.serial)
  let damaged = false
  let complete = false
  let endsAt: number | undefined

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const { FLACDecoder } = await import('@wasm-audio-decoders/flac')
    const decoder = new FLACDecoder()
    await decoder.ready
    try {
      for await (const frame of frames(fromSample)) {
        const sample = isWholeFrame(frame) ? frameSample(frame, info) : undefined
        if (sample === undefined) {
          damaged = true
          await decoder.reset()
          continue
        }
        const { channelData, samplesDecoded } = await decoder.decodeFrames([frame])
        if (samplesDecoded > 0) yield { at: sample - origin, lanes: channelData }
      }
    } finally {
      decoder.free()
    }
  }

  async function* frames(fromSample: number): AsyncGenerator<Buffer> {
    const start = fromSample > 0 ? await seekPage(reader, head.serial, origin + fromSample, first.at) : first.at
    const assembler = createPacketAssembler()
    for await (const page of readPages(reader, start, () => (damaged = true))) {
      endsAt = page.at
      // Another stream of a chain begins (RFC 3533, section 4).
      if (page.first) return
      endsAt += page.bytes.length
      if (page.serial !== head.serial) continue
      // An empty packet closes what some have written.
      yield* assembler.push(page).filter(({ length }) => length > 0)
      complete = page.last
      if (page.last) return
    }
  }

  return {
    info: {
      format: 'flac',
      sampleRate: info.sampleRate,
      channels: info.channels,
      durationMs: endSample === undefined ? undefined : (Math.max(0, endSample - origin) / info.sampleRate) * 1000,
    },
    blocks,
    endsAt: () => endsAt,
    warning: () => {
      if (!complete) return `${reader.path} is truncated: its last page is missing.`
      return damaged ? `${reader.path} is damaged in places.` : undefined
    },
  }
}

export const isOggFlacHead = (body: Buffer): boolean =>
  body[0] === 0x7f && body.toString('latin1', 1, 5) === 'FLAC' && body.toString('latin1', 9, 13) === 'fLaC'

const streamInfoOf = ({ body }: OggPage, path: string) => {
  const info = parseStreamInfo(body.subarray(17))
  if (!info) throw audioError('not-audio', `${path} has a broken FLAC header.`)
  return info
}

/** Blocks of metadata come first; a frame begins with fourteen ones. */
const findFirstFrame = async (reader: ByteReader, { at: headAt, serial }: OggPage) => {
  const assembler = createPacketAssembler()
  for await (const page of readPages(reader, headAt)) {
    if (page.serial !== serial) continue
    const frame = assembler.push(page).find((packet) => packet[0] === 0xff)
    if (frame) return { at: page.at, frame }
  }
  throw audioError('not-audio', `${reader.path} is a FLAC file without sound in it.`)
}
