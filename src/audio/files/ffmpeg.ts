import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'

const PROBE_WITHIN_MS = 10_000
const MAX_ANSWER = 256 * 1024
const RATE = 48_000
const SETTLE_S = 1
const FEED_BYTES = 32_768

export type FfmpegFormat = {
  /** What it is, with its article. */
  kind: string
  /** It can be read from its beginning to its end alone, and has no index: by that demuxer, from a place in bytes. */
  stream?: { demuxer: string; from: number }
}

/**
 * What ffmpeg decodes, where it is installed. It reads that one file and nothing it might refer to, or what is put into
 * it. Throws `not-audio` with the remedy where ffmpeg is missing.
 */
export const openByFfmpeg = async (reader: ByteReader, { kind, stream }: FfmpegFormat): Promise<Decoding> => {
  const { path, file } = reader
  if (file === undefined && !stream)
    throw audioError('not-audio', `${path} is ${kind}, which is played from a file only.`)
  // Of a stream nothing may be taken before it is played.
  const probed = file === undefined ? probeNothing() : probe(file)
  const found = await probed.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw audioError('not-audio', `${path} is ${kind}, but ffmpeg cannot read it.`, error)
    throw audioError(
      'not-audio',
      `${path} is ${kind}; it can be played once ffmpeg is installed, or as Opus, Vorbis, MP3, FLAC or WAV.`,
      error,
    )
  })
  if (!found.channels) throw audioError('not-audio', `${path} is ${kind} without sound in it.`)
  const channels = found.channels === 2 ? 2 : 1
  const children = new Set<ChildProcess>()
  let complaint = ''
  let isWhole = true

  async function* blocks(fromSample: number): AsyncGenerator<PcmBlock> {
    const child = spawn('ffmpeg', [...inputOf(reader, stream, fromSample), ...outputOf(channels)], { stdio: 'pipe' })
    children.add(child)
    child.on('error', () => {})
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk}`.slice(-MAX_ANSWER)
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const fed = stream && file === undefined ? feed(reader, stream.from, child.stdin) : undefined
    fed?.catch(() => {})
    try {
      let at = fromSample
      let rest: Buffer = Buffer.alloc(0)
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk
        const count = Math.floor(bytes.length / (4 * channels))
        if (count > 0) yield { at, lanes: lanesOf(bytes, count, channels) }
        at += count
        rest = bytes.subarray(count * 4 * channels)
      }
      if ((await ended) !== 0) isWhole = false
      await fed
    } finally {
      child.kill('SIGKILL')
      children.delete(child)
    }
  }

  return {
    info: {
      format: stream ? 'aac' : 'mp4',
      sampleRate: RATE,
      channels,
      durationMs: stream ? undefined : found.durationMs,
    },
    tags: found.tags,
    blocks,
    warning: () => (isWhole && complaint === '' ? undefined : `${path} is damaged in places.`),
    close: () => {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}

const inputOf = ({ file }: ByteReader, stream: FfmpegFormat['stream'], fromSample: number): string[] => {
  const input = ['-nostdin', '-v', 'error', '-protocol_whitelist', 'file,pipe']
  const demuxer = stream ? ['-f', stream.demuxer] : []
  const seconds = fromSample / RATE
  if (file === undefined) return [...input, ...QUICK, ...demuxer, '-i', 'pipe:0']
  const skip = (ofS: number) => (fromSample > 0 ? ['-ss', ofS.toFixed(6)] : [])
  if (stream) return [...input, ...demuxer, '-i', `file:${file}`, ...skip(seconds)]
  // What it begins with is not yet right: it begins earlier, and that is thrown away.
  const settleS = Math.min(seconds, SETTLE_S)
  return [...input, ...skip(seconds - settleS), '-i', `file:${file}`, ...skip(settleS)]
}

/** A station is heard with its first frames. */
const QUICK = ['-probesize', '32768', '-analyzeduration', '0']

const outputOf = (channels: number): string[] => [
  '-map',
  '0:a:0',
  '-f',
  'f32le',
  '-ac',
  String(channels),
  '-ar',
  String(RATE),
  '-flush_packets',
  '1',
  'pipe:1',
]

/** Puts a stream into it as fast as it takes it; throws what the stream throws. */
const feed = async (reader: ByteReader, from: number, to: Writable) => {
  to.on('error', () => {})
  try {
    for (let at = from; !to.destroyed; ) {
      const bytes = await reader.read(at, FEED_BYTES, 1)
      if (bytes.length === 0) return
      at += bytes.length
      await new Promise<void>((resolve) => to.write(bytes, () => resolve()))
    }
  } finally {
    to.end()
  }
}

const lanesOf = (bytes: Buffer, count: number, channels: number): Float32Array[] =>
  Array.from({ length: channels }, (_, channel) => {
    const lane = new Float32Array(count)
    for (let i = 0; i < count; i++) lane[i] = bytes.readFloatLE((i * channels + channel) * 4)
    return lane
  })

type Probed = {
  streams?: { channels?: number; duration?: string }[]
  format?: { duration?: string; tags?: Record<string, string> }
}

const probe = async (file: string) => {
  const entries = 'stream=channels,duration:format=duration:format_tags=title,artist'
  const args = ['-v', 'error', '-protocol_whitelist', 'file', '-select_streams', 'a:0', '-show_entries', entries]
  const { streams, format } = JSON.parse(await answerOf('ffprobe', [...args, '-of', 'json', `file:${file}`])) as Probed
  const seconds = Number(streams?.[0]?.duration ?? format?.duration)
  const tags = Object.fromEntries(Object.entries(format?.tags ?? {}).map(([name, text]) => [name.toLowerCase(), text]))
  return {
    channels: streams?.[0]?.channels,
    durationMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
    tags: { title: tags.title, artist: tags.artist },
  }
}

const probeNothing = async (): Promise<Awaited<ReturnType<typeof probe>>> => {
  await answerOf('ffmpeg', ['-version'])
  return { channels: 2, durationMs: undefined, tags: { title: undefined, artist: undefined } }
}

const answerOf = async (command: string, args: string[]): Promise<string> => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_WITHIN_MS)
  let answer = ''
  child.stdout.on('data', (chunk: Buffer) => {
    answer = `${answer}${chunk}`.slice(0, MAX_ANSWER)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))))
    })
    return answer
  } finally {
    clearTimeout(timer)
  }
}
