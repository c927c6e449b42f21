import type { ByteReader } from './bytes.ts'
import { createPacketAssembler, readPages } from './ogg.ts'

/** As the file has them: not cleaned, of any length. */
export type AudioTags = { title?: string; artist?: string }

/**
 * Title and artist of a file or a stream at `from`: ID3v2 and ID3v1 (id3.org), Vorbis comments in Ogg and FLAC
 * (xiph.org/vorbis/doc/v-comment.html, RFC 7845 section 5.2), the INFO list of WAV. What is broken is not there.
 */
export const readTags = async (reader: ByteReader, from = 0): Promise<AudioTags> => {
  let at = from
  let tags: AudioTags = {}
  for (;;) {
    const head = await reader.read(at, 10)
    if (head.length < 10 || head.toString('latin1', 0, 3) !== 'ID3') break
    const bytes = synchsafe(head, 6)
    tags = { ...parseId3(head, await reader.read(at + 10, Math.min(bytes, MAX_TAG_BYTES))), ...tags }
    at += 10 + bytes + (head[5]! & 16 ? 10 : 0)
  }
  const kind = (await reader.read(at, 4)).toString('latin1')
  if (kind === 'OggS') return readOggComment(reader, at)
  if (kind === 'fLaC') return { ...tags, ...(await readFlacComment(reader, at)) }
  if (kind === 'RIFF' || kind === 'RF64') return { ...(await readInfoList(reader)), ...tags }
  return { ...(await readId3v1(reader)), ...tags }
}

/** Far more than words take; pictures beyond it are not read. */
const MAX_TAG_BYTES = 1024 * 1024
const ID3_FRAMES: Record<string, keyof AudioTags> = { TIT2: 'title', TT2: 'title', TPE1: 'artist', TP1: 'artist' }

const synchsafe = (bytes: Buffer, at: number) =>
  ((bytes[at]! & 127) << 21) | ((bytes[at + 1]! & 127) << 14) | ((bytes[at + 2]! & 127) << 7) | (bytes[at + 3]! & 127)

const parseId3 = (head: Buffer, raw: Buffer): AudioTags => {
  const version = head[3]!
  const flags = head[5]!
  const body = flags & 0x80 && version < 4 ? resynchronised(raw) : raw
  const [idBytes, headBytes] = version === 2 ? [3, 6] : [4, 10]
  const tags: AudioTags = {}
  let at = 0
  if (flags & 0x40 && version > 2 && body.length > 4) at = version === 3 ? 4 + body.readUInt32BE(0) : synchsafe(body, 0)
  while (at + headBytes <= body.length && body[at] !== 0) {
    const id = body.toString('latin1', at, at + idBytes)
    const bytes =
      version === 2 ? body.readUIntBE(at + 3, 3) : version === 3 ? body.readUInt32BE(at + 4) : synchsafe(body, at + 4)
    const name = ID3_FRAMES[id]
    const text = body.subarray(at + headBytes, at + headBytes + bytes)
    const isUnsynchronised = version === 4 && (flags & 0x80 || body[at + 9]! & 2)
    if (name && text.length === bytes) tags[name] ??= id3Text(isUnsynchronised ? resynchronised(text) : text)
    at += headBytes + bytes
  }
  return tags
}

/** A zero was put behind each 0xFF, so that nothing looks like a frame of sound. */
const resynchronised = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.filter((byte, i) => byte !== 0 || bytes[i - 1] !== 0xff))

const id3Text = (frame: Buffer): string | undefined => {
  const encoding = ['windows-1252', 'utf-16', 'utf-16be', 'utf-8'][frame[0] ?? 9]
  if (!encoding) return undefined
  // UTF-16 says by its mark which half comes first.
  const isBigEndian = encoding === 'utf-16' && frame[1] === 0xfe && frame[2] === 0xff
  const text = new TextDecoder(isBigEndian ? 'utf-16be' : encoding).decode(frame.subarray(1))
  return filled(text.split('\0')[0])
}

const readId3v1 = async (reader: ByteReader): Promise<AudioTags> => {
  if (!Number.isFinite(reader.size) || reader.size < 128) return {}
  const tag = await reader.read(reader.size - 128, 128)
  if (tag.toString('latin1', 0, 3) !== 'TAG') return {}
  const field = (at: number) => filled(new TextDecoder('windows-1252').decode(tag.subarray(at, at + 30)).split('\0')[0])
  return { title: field(3), artist: field(33) }
}

const readOggComment = async (reader: ByteReader, at: number): Promise<AudioTags> => {
  const assembler = createPacketAssembler()
  let serial: number | undefined
  let seen = 0
  for await (const page of readPages(reader, at)) {
    serial ??= page.serial
    if (page.at - at > MAX_TAG_BYTES) return {}
    if (page.serial !== serial) continue
    for (const packet of assembler.push(page)) {
      if (seen++ === 0) continue
      if (packet.toString('latin1', 0, 8) === 'OpusTags') return parseVorbisComment(packet.subarray(8))
      if (packet.toString('latin1', 0, 7) === '\x03vorbis') return parseVorbisComment(packet.subarray(7))
      // A block of FLAC's metadata, which has to come first (RFC 9639, section 10.1).
      if ((packet[0]! & 127) === 4) return parseVorbisComment(packet.subarray(4))
      return {}
    }
  }
  return {}
}

const readFlacComment = async (reader: ByteReader, from: number): Promise<AudioTags> => {
  for (let at = from + 4; at + 4 <= reader.size; ) {
    const head = await reader.read(at, 4)
    if (head.length < 4) return {}
    const bytes = head.readUIntBE(1, 3)
    if ((head[0]! & 127) === 4) return parseVorbisComment(await reader.read(at + 4, Math.min(bytes, MAX_TAG_BYTES)))
    if (head[0]! & 128) return {}
    at += 4 + bytes
  }
  return {}
}

/** A vendor's name, then so many `NAME=text`; each has its length in front. Of several artists all are told. */
const parseVorbisComment = (comment: Buffer): AudioTags => {
  let at = 0
  const next = () => {
    if (at + 4 > comment.length) return undefined
    const bytes = comment.readUInt32LE(at)
    const text = comment.subarray(at + 4, at + 4 + bytes)
    at += 4 + bytes
    return text.length === bytes ? text : undefined
  }
  const found: Record<'title' | 'artist', string[]> = { title: [], artist: [] }
  if (!next() || at + 4 > comment.length) return {}
  const count = comment.readUInt32LE(at)
  at += 4
  for (let i = 0; i < count; i++) {
    const text = next()
    if (!text) break
    const [, name, value] = /^([^=]{1,20})=(.*)$/s.exec(text.toString('utf8', 0, 4096)) ?? []
    const known = name?.toLowerCase()
    if ((known === 'title' || known === 'artist') && value) found[known].push(value)
  }
  return { title: filled(found.title[0]), artist: filled(found.artist.join(', ')) }
}

const readInfoList = async (reader: ByteReader): Promise<AudioTags> => {
  const tags: AudioTags = {}
  for (let at = 12; at + 8 <= reader.size; ) {
    const head = await reader.read(at, 12)
    if (head.length < 8) return tags
    const bytes = head.readUInt32LE(4)
    if (!Number.isFinite(reader.size) && head.toString('latin1', 0, 4) === 'data') return tags
    if (head.toString('latin1', 0, 4) === 'LIST' && head.toString('latin1', 8, 12) === 'INFO') {
      const list = await reader.read(at + 12, Math.min(bytes - 4, MAX_TAG_BYTES))
      for (let inner = 0; inner + 8 <= list.length; ) {
        const length = list.readUInt32LE(inner + 4)
        const name = ({ INAM: 'title', IART: 'artist' } as const)[list.toString('latin1', inner, inner + 4)]
        if (name) tags[name] ??= filled(list.toString('utf8', inner + 8, inner + 8 + length).split('\0')[0])
        inner += 8 + length + (length % 2)
      }
    }
    at += 8 + bytes + (bytes % 2)
  }
  return tags
}

const filled = (text: string | undefined) => (text?.trim() ? text.trim() : undefined)
