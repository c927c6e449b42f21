import type { AudioTags } from './tags.ts'

type AudioFormat = 'opus' | 'vorbis' | 'mp3' | 'flac' | 'wav' | 'webm' | 'mp4' | 'aac'

export type AudioFileInfo = {
  format: AudioFormat
  /** Of the file; what is handed on is always 48 kHz. */
  sampleRate: number
  channels: number
  /** Missing where the file does not tell (a stream that was cut, a header without a length). */
  durationMs?: number
}

/** Channels in -1..1 at the file's own rate; `at` counts samples per channel from the file's beginning. */
export type PcmBlock = { at: number; lanes: Float32Array[] }

/** A file that was recognised, not yet decoded. */
export type Decoding = {
  info: AudioFileInfo
  /** Decodes onwards from a little before `fromSample`: blocks in order, each small, none kept. */
  blocks(fromSample: number): AsyncGenerator<PcmBlock>
  /** After decoding: where the next stream of a chain may begin, in bytes. */
  endsAt?(): number | undefined
  /** Where the format has them in its own headers; else `readTags` looks. */
  tags?: AudioTags
  /** Ends what decodes it, wherever it is. */
  close?(): void
  /** After decoding: what was wrong with the file, in one sentence. */
  warning(): string | undefined
}
