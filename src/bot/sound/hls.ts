import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

export type HlsOptions = { proxy?: { http?: string; https?: string }; signal: AbortSignal }

const PROTOCOLS = 'http,https,tcp,tls,crypto'
const MAX_COMPLAINT = 4096

/** Whether a list is one of HLS (RFC 8216): of pieces, or of streams that are the same in several qualities. */
export const isHls = (list: string): boolean => /^#EXT-X-/m.test(list)

/** Pieces may still be added to the end: it is on air. */
export const isOnAir = (list: string): boolean => !/^#EXT-X-ENDLIST/m.test(list)

/** How long no piece may come, in ms, before it is broken: three of the longest. */
export const patienceMs = (list: string): number => 3000 * Number(/^#EXT-X-TARGETDURATION:(\d+)/m.exec(list)?.[1] ?? 0)

/**
 * Of several streams (RFC 8216, section 4.3.4) the one to hear: what is sound alone in its best quality, else the one that
 * costs least. Its address as it is written; undefined where the list is of pieces.
 */
export const streamOf = (list: string): string | undefined => {
  const sound = /^#EXT-X-MEDIA:(?=.*TYPE=AUDIO)(?=.*URI="([^"]+)").*$/m.exec(list)?.[1]
  if (sound !== undefined) return sound
  const streams = [...list.matchAll(/^#EXT-X-STREAM-INF:(.*)\r?\n(?:#.*\r?\n)*([^#\s].*?)\s*$/gm)].map(
    ([, about = '', uri = '']) => ({
      uri,
      bandwidth: Number(/(?:^|,)BANDWIDTH=(\d+)/.exec(about)?.[1] ?? 0),
      isSound: !/RESOLUTION=/.test(about) && !/CODECS="[^"]*(avc|hvc|hev|vp0|av01)/.test(about),
    }),
  )
  const cheapestFirst = streams.sort((a, b) => a.bandwidth - b.bandwidth)
  return (cheapestFirst.findLast(({ isSound }) => isSound) ?? cheapestFirst[0])?.uri
}

/**
 * The sound of an HLS list of pieces as ffmpeg fetches and decodes it, in the bytes of a WAV file. They throw a sentence,
 * with code `not-audio`, where nothing is heard of it.
 */
export async function* hlsBytes(url: string, { proxy, signal }: HlsOptions): AsyncGenerator<Uint8Array> {
  const through = url.startsWith('https:') ? proxy?.https : proxy?.http
  const input = [
    '-nostdin',
    '-v',
    'error',
    '-protocol_whitelist',
    PROTOCOLS,
    ...(through ? ['-http_proxy', through] : []),
  ]
  const output = ['-map', '0:a:0', '-ac', '2', '-ar', '48000', '-f', 'wav', '-flush_packets', '1', 'pipe:1']
  const child = spawn('ffmpeg', [...input, '-i', url, ...output], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = endOf(child)
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  let isHeard = false
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      isHeard = true
      yield chunk
    }
    const { missing, complaint } = await ended
    if (isHeard) return
    if (missing) throw notAudio(`${url} is an HLS list of pieces; it can be played once ffmpeg is installed.`)
    throw notAudio(`${url} is an HLS list of pieces, but ffmpeg cannot play it${complaint && ` (${complaint})`}.`)
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
  }
}

/** `complaint`: the last of what it said. */
const endOf = (child: ChildProcessByStdio<null, Readable, Readable>) =>
  new Promise<{ missing: boolean; complaint: string }>((resolve) => {
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-MAX_COMPLAINT)
    })
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ missing: error.code === 'ENOENT', complaint: error.message }),
    )
    child.once('close', () =>
      resolve({ missing: false, complaint: said.trim().split('\n').at(-1)?.trim().replace(/\.$/, '') ?? '' }),
    )
  })

const notAudio = (message: string) => Object.assign(new Error(message), { code: 'not-audio' })
