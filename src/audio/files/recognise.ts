import { audioError } from '../audio-error.ts'
import { isAdts } from './adts.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding } from './decoding.ts'
import { openByFfmpeg } from './ffmpeg.ts'
import { openFlac } from './flac.ts'
import { openMp3 } from './mp3.ts'
import { readPages } from './ogg.ts'
import { isOggFlacHead, openOggFlac } from './ogg-flac.ts'
import { isOpusHead, openOpus } from './opus.ts'
import { isVorbisHead, openVorbis } from './vorbis.ts'
import { isWav, openWav } from './wav.ts'
import { isWebm, openWebm } from './webm.ts'

/** What stands at `from`; throws `not-audio`. */
export const recognise = async (reader: ByteReader, from = 0): Promise<Decoding> => {
  const tagBytes = await id3Bytes(reader, from)
  const head = await reader.read(tagBytes, 64)
  if (isWav(head)) return openWav(reader)
  if (head.toString('latin1', 0, 4) === 'fLaC') return openFlac(reader, tagBytes)
  if (head.toString('latin1', 0, 4) === 'OggS') return recogniseOgg(reader, from)
  if (isWebm(head))
    return (await openWebm(reader)) ?? openByFfmpeg(reader, { kind: 'a WebM or Matroska file without Opus in it' })
  if (head.toString('latin1', 4, 8) === 'ftyp') return openByFfmpeg(reader, { kind: 'an MP4 file' })
  if (await isAdts(reader, tagBytes))
    return openByFfmpeg(reader, { kind: 'AAC', stream: { demuxer: 'aac', from: tagBytes } })
  const mp3 = head.length > 0 && (await openMp3(reader, tagBytes))
  if (mp3) return mp3
  const kind = head.length > 0 ? 'not audio that we know' : 'empty'
  throw audioError(
    'not-audio',
    `${reader.path} is ${kind}; Opus, Vorbis, MP3, FLAC, WAV, AAC, WebM and MP4 can be played.`,
  )
}

const recogniseOgg = async (reader: ByteReader, from: number): Promise<Decoding> => {
  for await (const page of readPages(reader, from)) {
    // All streams of a file begin before any goes on.
    if (!page.first) break
    if (isOpusHead(page.body)) return openOpus(reader, page)
    if (isVorbisHead(page.body)) return openVorbis(reader, page)
    if (isOggFlacHead(page.body)) return openOggFlac(reader, page)
  }
  throw audioError('not-audio', `${reader.path} is an Ogg file without Opus, Vorbis or FLAC in it.`)
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
