import { type ChildProcess, spawn } from 'node:child_process'
import { audioError } from '../audio-error.ts'
import type { ByteReader } from './bytes.ts'
import type { Decoding, PcmBlock } from './decoding.ts'

const PROBE_WITHIN_MS = 10_000
const MAX_ANSWER = 256 * 1024
const RATE = 48_000
const SETTLE_S = 1

/**
 * What ffmpeg decodes, where it is installed: `kind` is what the file is, with its article. It reads that one file and
 * nothing it might refer to. Throws `not-audio` with the remedy where ffmpeg is missing.
 */
export const openByFfmpeg = async ({ path, file }: ByteReader, kind: string): Promise<Decoding> => {
  if (file === undefined) throw audioError('not-audio', `${path} is ${kind}, which is played from a file only.`)
  const found = await probe(file).catch((error: NodeJS.ErrnoException) => {
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
    // What it begins with is not yet right: it begins earlier, and that is thrown away.
    const settleS = Math.min(fromSample / RATE, SETTLE_S)
    const seek = fromSample > 0 ? ['-ss', (fromSample / RATE - settleS).toFixed(6)] : []
    const skip = fromSample > 0 ? ['-ss', settleS.toFixed(6)] : []
    const output = [...skip, '-map', '0:a:0', '-f', 'f32le', '-ac', String(channels), '-ar', String(RATE), 'pipe:1']
    const args = [
      '-nostdin',
      '-v',
      'error',
      '-protocol_whitelist',
      'file,pipe',
      ...seek,
      '-i',
      `file:${file}`,
      ...output,
    ]
    const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    children.add(child)
    child.on('error', () => {})
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk}`.slice(-MAX_ANSWER)
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
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
    } finally {
      child.kill('SIGKILL')
      children.delete(child)
    }
  }

  return {
    info: { format: 'mp4', sampleRate: RATE, channels, durationMs: found.durationMs },
    tags: found.tags,
    blocks,
    warning: () => (isWhole && complaint === '' ? undefined : `${path} is damaged in places.`),
    close: () => {
      for (const child of children) child.kill('SIGKILL')
    },
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
  const child = spawn('ffprobe', [...args, '-of', 'json', `file:${file}`], { stdio: ['ignore', 'pipe', 'ignore'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_WITHIN_MS)
  let answer = ''
  child.stdout.on('data', (chunk: Buffer) => {
    answer = `${answer}${chunk}`.slice(0, MAX_ANSWER)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffprobe ended with ${code}`))))
    })
  } finally {
    clearTimeout(timer)
  }
  const { streams, format } = JSON.parse(answer) as Probed
  const seconds = Number(streams?.[0]?.duration ?? format?.duration)
  const tags = Object.fromEntries(Object.entries(format?.tags ?? {}).map(([name, text]) => [name.toLowerCase(), text]))
  return {
    channels: streams?.[0]?.channels,
    durationMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
    tags: { title: tags.title, artist: tags.artist },
  }
}
