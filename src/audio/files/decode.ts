import type { Channels } from '../frame.ts'
import { type ByteReader, openBytes } from './bytes.ts'
import { convert } from './convert.ts'
import type { AudioFileInfo, Decoding } from './decoding.ts'
import { isLinkAt, linkOf, oggLinks } from './ogg-chain.ts'
import { recognise } from './recognise.ts'
import { type AudioTags, readTags } from './tags.ts'

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
 * Recognises a file by its content, whatever its name: Opus, Vorbis or FLAC in Ogg, also several in a chain, Opus in WebM,
 * MP3, FLAC, WAV; MP4, AAC and other WebM by ffmpeg. Throws `not-found`, `not-readable` or `not-audio`, each with a sentence.
 */
export const openDecoded = async (
  path: string,
  { channels, startMs = 0 }: DecodeOptions = {},
): Promise<DecodedAudio> => {
  const reader = await openBytes(path)
  try {
    const { first, rest, leftOut } = await openParts(reader)
    const { info, tags } = first.decoding
    const wanted: Channels = channels ?? (info.channels === 2 ? 2 : 1)
    const played: Part[] = []
    return {
      info: { ...info, durationMs: sumOf([first, ...rest]) },
      channels: wanted,
      pcm: () => playParts([first, ...rest], wanted, startMs, (part) => played.push(part)),
      tags: async () => tags ?? readTags(reader),
      warning: () =>
        (rest.length > 0 ? played : [first]).map(({ decoding }) => decoding.warning()).find(Boolean) ?? leftOut,
      close: async () => {
        first.decoding.close?.()
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

/** A whole file that fits in memory. */
export const decodeWhole = async (path: string, options: DecodeOptions = {}): Promise<Int16Array> => {
  const pieces: Int16Array[] = []
  for await (const piece of decodeAudio(path, options)) pieces.push(piece)
  const whole = new Int16Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** One of the streams that stand in a file one after the other. */
type Part = { decoding: Decoding; reader: ByteReader }

const openParts = async (reader: ByteReader): Promise<{ first: Part; rest: Part[]; leftOut: string | undefined }> => {
  if (!(await isOgg(reader, 0)))
    return { first: { decoding: await recognise(reader), reader }, rest: [], leftOut: undefined }
  const links = await oggLinks(reader, 0)
  const open = async (index: number): Promise<Part> => {
    const link = linkOf(reader, links[index]!)
    return { decoding: await recognise(link, links[index]!.from), reader: link }
  }
  const first = await open(0)
  const rest: Part[] = []
  let leftOut: string | undefined
  for (let index = 1; index < links.length; index++) {
    const part = await open(index).catch(() => undefined)
    if (part) rest.push(part)
    else leftOut ??= `Part ${index + 1} of ${reader.path} cannot be played and is left out.`
  }
  return { first, rest, leftOut }
}

const isOgg = async (reader: ByteReader, at: number) => (await reader.read(at, 4)).toString('latin1') === 'OggS'

/** Missing where one of them does not tell. */
const sumOf = (parts: Part[]): number | undefined =>
  parts.reduce<number | undefined>((sum, { decoding: { info } }) => {
    return sum === undefined || info.durationMs === undefined ? undefined : sum + info.durationMs
  }, 0)

async function* playParts(
  parts: Part[],
  channels: Channels,
  startMs: number,
  onBegin: (part: Part) => void,
): AsyncGenerator<Int16Array> {
  let leftMs = startMs
  for (const part of parts) {
    const { durationMs } = part.decoding.info
    if (part !== parts.at(-1) && durationMs !== undefined && leftMs >= durationMs) {
      leftMs -= durationMs
      continue
    }
    onBegin(part)
    yield* playOn(part, channels, leftMs)
    leftMs = 0
  }
}

/** A stream, and others of the same serial number behind it: files that were put together without care. */
async function* playOn({ decoding, reader }: Part, channels: Channels, startMs: number): AsyncGenerator<Int16Array> {
  yield* convert(decoding, channels, startMs)
  let next = decoding.endsAt?.()
  while (next !== undefined && (await isLinkAt(reader, next))) {
    const following = await recognise(reader, next)
    yield* convert(following, channels, 0)
    next = following.endsAt?.()
  }
}
