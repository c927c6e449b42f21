import { audioError } from '../audio-error.ts'
import { type Channels, SAMPLE_RATE } from '../frame.ts'
import { createResampler, toInt16 } from '../resample.ts'
import { type ByteReader, openBytes } from './bytes.ts'
import type { AudioFileInfo, Decoding } from './decoding.ts'
import { openByFfmpeg } from './ffmpeg.ts'
import { openFlac } from './flac.ts'
import { openMp3 } from './mp3.ts'
import { readPages } from './ogg.ts'
import { isOpusHead, openOpus } from './opus.ts'
import { type AudioTags, readTags } from './tags.ts'
import { isVorbisHead, openVorbis } from './vorbis.ts'
import { isWav, openWav } from './wav.ts'
import { isWebm, openWebm } from './webm.ts'

export type DecodeOptions = {
  /** Channels of the result; the file's own (more than two become one) unless said. */
  channels?: Channels
  /** Media time to begin at. */
  startMs?: number
}

export type DecodedAudio = {
  info: AudioFileInfo
  channels: Channels
  /** Interleaved 16-bit PCM at 48 kHz in pieces of any length. One at a time. */
  pcm(): AsyncGenerator<Int16Array>
  /** As the file has them: clean them before they are shown. */
  tags(): Promise<AudioTags>
  warning(): string | undefined
  close(): Promise<void>
}

/**
 * Recognises a file by its content, whatever its name: Opus or Vorbis in Ogg, Opus in WebM, MP3, FLAC, WAV; MP4 and other
 * WebM by ffmpeg. Throws `not-found`,
 * `not-readable` or `not-audio`, each with a sentence.
 */
export const openDecoded = async (
  path: string,
  { channels, startMs = 0 }: DecodeOptions = {},
): Promise<DecodedAudio> => {
  const reader = await openBytes(path)
  try {
    const decoding = await recognise(reader)
    const wanted: Channels = channels ?? (decoding.info.channels === 2 ? 2 : 1)
    return {
      info: decoding.info,
      channels: wanted,
      pcm: () => convert(decoding, wanted, startMs),
      tags: async () => decoding.tags ?? readTags(reader),
      warning: decoding.warning,
      close: async () => {
        decoding.close?.()
        await reader.close()
      },
    }
  } catch (error) {
    await reader.close()
    throw error
  }
}

/** The whole file as 48 kHz PCM, piece by piece; what was wrong with it is left to `openDecoded`. */
export async function* decodeAudio(path: string, options: DecodeOptions = {}): AsyncGenerator<Int16Array> {
  const decoded = await openDecoded(path, options)
  try {
    yield* decoded.pcm()
  } finally {
    await decoded.close()
  }
}

/** What stands at `from`; throws `not-audio`. */
export const recognise = async (reader: ByteReader, from = 0): Promise<Decoding> => {
  const tagBytes = await id3Bytes(reader, from)
  const head = await reader.read(tagBytes, 64)
  if (isWav(head)) return openWav(reader)
  if (head.toString('latin1', 0, 4) === 'fLaC') return openFlac(reader, tagBytes)
  if (head.toString('latin1', 0, 4) === 'OggS') return recogniseOgg(reader, from)
  if (isWebm(head))
    return (await openWebm(reader)) ?? openByFfmpeg(reader, 'a WebM or Matroska file without Opus in it')
  if (head.toString('latin1', 4, 8) === 'ftyp') return openByFfmpeg(reader, 'an MP4 file')
  const mp3 = head.length > 0 && (await openMp3(reader, tagBytes))
  if (mp3) return mp3
  const kind = head.length > 0 ? 'not audio that we know' : 'empty'
  throw audioError('not-audio', `${reader.path} is ${kind}; Opus, Vorbis, MP3, FLAC, WAV, WebM and MP4 can be played.`)
}

const recogniseOgg = async (reader: ByteReader, from: number): Promise<Decoding> => {
  for await (const page of readPages(reader, from)) {
    // All streams of a file begin before any goes on.
    if (!page.first) break
    if (isOpusHead(page.body)) return openOpus(reader, page)
    if (isVorbisHead(page.body)) return openVorbis(reader, page)
  }
  throw audioError('not-audio', `${reader.path} is an Ogg file with neither Opus nor Vorbis in it.`)
}

/** ID3v2 tags in front, each with its length in four times seven bits (id3.org, ID3v2.4.0, 3.1). */
const id3Bytes = async (reader: ByteReader, from: number): Promise<number> => {
  for (let at = from; ; ) {
    const head = await reader.read(at, 10)
    if (head.length < 10 || head.toString('latin1', 0, 3) !== 'ID3') return at
    const footer = head[5]! & 16 ? 10 : 0
    at += 10 + footer + ((head[6]! & 127) << 21) + ((head[7]! & 127) << 14) + ((head[8]! & 127) << 7) + (head[9]! & 127)
  }
}

/** The sound of a file from `startMs` on, at 48 kHz in so many channels. */
export async function* convert(decoding: Decoding, channels: Channels, startMs: number): AsyncGenerator<Int16Array> {
  const { sampleRate } = decoding.info
  const resamplers = Array.from({ length: channels }, () => createResampler(sampleRate, SAMPLE_RATE))
  const startSample = Math.max(0, Math.round((startMs * sampleRate) / 1000))
  for await (const lanes of inSequence(decoding, startSample)) {
    const ready = toLanes(lanes, channels).map((lane, i) => resamplers[i]!.process(lane))
    if (ready[0]!.length > 0) yield toInt16(ready)
  }
  const rest = resamplers.map((resampler) => resampler.flush())
  if (rest[0]!.length > 0) yield toInt16(rest)
}

/** Cuts away what lies before the start and fills with silence what damage tore out, so that time stays true. */
async function* inSequence({ info, blocks }: Decoding, startSample: number): AsyncGenerator<Float32Array[]> {
  let next = startSample
  for await (const { at, lanes } of blocks(startSample)) {
    const length = lanes[0]?.length ?? 0
    if (at + length <= next || length === 0) continue
    const hole = Math.min(at - next, MAX_HOLE_S * info.sampleRate)
    if (hole > 0) yield lanes.map(() => new Float32Array(hole))
    const skip = Math.max(0, next - at)
    yield lanes.map((lane) => lane.subarray(skip))
    next = at + length
  }
}

/** A larger hole is more likely a wrong time stamp. */
const MAX_HOLE_S = 10

/** One channel becomes two alike; two or more become one by their average, and more than two are heard from both sides. */
const toLanes = (lanes: Float32Array[], channels: Channels): Float32Array[] => {
  if (lanes.length === channels) return lanes
  const one = lanes.length === 1 ? lanes[0]! : lanes[0]!.map((_, i) => averageAt(lanes, i))
  return channels === 1 ? [one] : [one, one]
}

const averageAt = (lanes: Float32Array[], i: number) => lanes.reduce((sum, lane) => sum + lane[i]!, 0) / lanes.length
