import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'
import { type FlacStream, isWholeFrame, readFlacFrames, seekFlacFrame } from './flac-frames.ts'

/** FLAC (RFC 9639); `from` is where `fLaC` stands, as some files carry an ID3 tag before it. */
export const openFlac = async (reader: ByteReader, from: number): Promise<Decoding> => {
  const { info, audioAt } = await readMetadata(reader, from)
  let decodedTo = 0
  let damaged = false

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const startAt = fromSample > 0 ? await seekFlacFrame(reader, audioAt, info, fromSample) : audioAt
    const { FLACDecoder } = await import('@wasm-audio-decoders/flac')
    const decoder = new FLACDecoder()
    await decoder.ready
    try {
      for await (const frame of readFlacFrames(reader, startAt, info)) {
        // A broken frame, or a jump of frame numbers, would make the decoder write to the console.
        if (!isWholeFrame(frame.bytes)) {
          damaged = true
          await decoder.reset()
          continue
        }
        const { channelData, samplesDecoded } = await decoder.decodeFrames([frame.bytes])
        if (samplesDecoded > 0) yield { at: frame.sample, lanes: channelData }
        decodedTo = frame.sample + samplesDecoded
      }
    } finally {
      decoder.free()
    }
  }

  return {
    info: {
      format: 'flac',
      sampleRate: info.sampleRate,
      channels: info.channels,
      durationMs: info.total > 0 ? (info.total / info.sampleRate) * 1000 : undefined,
    },
    blocks,
    warning: () => {
      if (decodedTo < info.total) return `${reader.path} is truncated: ${info.total - decodedTo} samples are missing.`
      return damaged ? `${reader.path} is damaged in places.` : undefined
    },
  }
}

const readMetadata = async (reader: ByteReader, from: number): Promise<{ info: FlacStream; audioAt: number }> => {
  let info: FlacStream | undefined
  for (let at = from + 4; at + 4 <= reader.size; ) {
    const head = await reader.read(at, 4)
    if (head.length < 4) break
    const length = head.readUIntBE(1, 3)
    if ((head[0]! & 127) === 0) info = parseStreamInfo(await reader.read(at + 4, 34))
    at += 4 + length
    if (head[0]! & 128 && info) return { info, audioAt: at }
  }
  throw audioError('not-audio', `${reader.path} has a broken FLAC header.`)
}

/** Undefined where it is broken (RFC 9639, section 8.2). */
export const parseStreamInfo = (body: Buffer): FlacStream | undefined => {
  if (body.length < 34) return undefined
  const packed = body.readBigUInt64BE(10)
  const sampleRate = Number(packed >> 44n)
  if (sampleRate === 0) return undefined
  return {
    blockSize: body.readUInt16BE(0),
    largestBlock: body.readUInt16BE(2),
    sampleRate,
    channels: Number((packed >> 41n) & 7n) + 1,
    total: Number(packed & 0xfffffffffn),
  }
}
