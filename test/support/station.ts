import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Sound files as ffmpeg makes them: `-f` and all that follows, from tones of so many Hz, each so long. */
export const toneBytes = (tones: Tone[], output: string[]): Buffer => encode(tones, [...output, '-'])

type Tone = { hz: number; seconds: number }

const encode = (tones: Tone[], output: string[]): Buffer => {
  const inputs = tones.flatMap(({ hz, seconds }) => [
    '-f',
    'lavfi',
    '-i',
    `sine=frequency=${hz}:duration=${seconds}:sample_rate=48000`,
  ])
  const joined = `concat=n=${tones.length}:v=0:a=1`
  return execFileSync('ffmpeg', ['-v', 'error', ...inputs, '-filter_complex', joined, ...output], {
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** MP3 of 64 kbit/s without any tags: 8000 bytes a second, as stations send it. */
export const stationMp3 = (tones: Tone[]): Buffer =>
  toneBytes(tones, ['-f', 'mp3', '-b:a', '64k', '-write_xing', '0', '-id3v2_version', '0'])

export type HlsPieces = {
  pieces: Map<string, Buffer>
  pieceSeconds: number
  /** The list of some of them, without its end. */
  list(from: number, to?: number): string
}

/** AAC in pieces of 2 s as HLS has them (RFC 8216). */
export const hlsPieces = (tones: Tone[]): HlsPieces => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-hls-'))
  const pieceSeconds = 2
  encode(tones, ['-c:a', 'aac', '-f', 'segment', '-segment_time', String(pieceSeconds), join(folder, '%d.ts')])
  const names = readdirSync(folder).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
  const pieces = new Map(names.map((name) => [name, readFileSync(join(folder, name))]))
  rmSync(folder, { recursive: true, force: true })
  return {
    pieces,
    pieceSeconds,
    list: (from, to) =>
      [
        ...['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:3', `#EXT-X-MEDIA-SEQUENCE:${from}`],
        ...names.slice(from, to).map((name) => `#EXTINF:${pieceSeconds}.0,\n${name}`),
        '',
      ].join('\n'),
  }
}

export type Sending = { bytes: Buffer; bytesPerSecond: number; burst?: number }

/** Sends as a station does: a burst, then at its pace; resolves when all is sent or nobody listens. */
export const sendPaced = async (to: ServerResponse | Socket, { bytes, bytesPerSecond, burst = 0 }: Sending) => {
  to.write(bytes.subarray(0, burst))
  const startMs = performance.now()
  for (let at = burst; at < bytes.length && !to.destroyed; ) {
    await sleep(50)
    const due = Math.min(bytes.length, burst + Math.floor(((performance.now() - startMs) * bytesPerSecond) / 1000))
    if (due > at) to.write(bytes.subarray(at, due))
    at = Math.max(at, due)
  }
}

/** Puts titles into sound as SHOUTcast does: `titles` by the byte of sound before which they stand. */
export const withIcyTitles = (sound: Buffer, everyBytes: number, titles: { at: number; text: string }[]): Buffer => {
  const pieces: Buffer[] = []
  const left = [...titles]
  for (let at = 0; at < sound.length; at += everyBytes) {
    pieces.push(sound.subarray(at, at + everyBytes))
    if (at + everyBytes > sound.length) break
    const text = left[0] && left[0].at <= at + everyBytes ? Buffer.from(left.shift()!.text) : Buffer.alloc(0)
    const block = Buffer.alloc(Math.ceil(text.length / 16) * 16)
    text.copy(block)
    pieces.push(Buffer.of(block.length / 16), block)
  }
  return Buffer.concat(pieces)
}

/** An http server on loopback; `answer` is told which request of its path this is, from 1. */
export const startHttp = async (
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => unknown,
) => {
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    counts.set(path, (counts.get(path) ?? 0) + 1)
    answer(request, response, counts.get(path)!)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: (path: string) => counts.get(path) ?? 0,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What a station plays now: a tone, and its title as `Artist - Title`. */
type OnAir = { hz: number; title: string }

/** So much is sent at a time, with a title where it is another: ten frames of MP3, 64 kbit/s at 48 kHz. */
const BLOCK_BYTES = 1920
const BLOCK_MS = 240
const BURST_BLOCKS = 9

/** A SHOUTcast station that goes on: whoever comes hears what it plays now. */
export const startTestStation = async (first: OnAir, tonesHz: readonly number[]) => {
  const sounds = new Map(tonesHz.map((hz) => [hz, stationMp3([{ hz, seconds: 30 }])]))
  let now = first
  let dropped = 0
  const http = await startHttp(async (_, response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg', 'icy-name': 'Test', 'icy-metaint': String(BLOCK_BYTES) })
    const mine = dropped
    const startMs = performance.now()
    let told = ''
    for (let block = 0; mine === dropped && !response.destroyed; block++) {
      await sleep(Math.max(0, startMs + (block - BURST_BLOCKS) * BLOCK_MS - performance.now()))
      const sound = sounds.get(now.hz)!
      const text = now.title === told ? '' : `StreamTitle='${now.title}';`
      told = now.title
      const title = Buffer.alloc(1 + Math.ceil(text.length / 16) * 16)
      title[0] = (title.length - 1) / 16
      title.write(text, 1)
      const at = (block * BLOCK_BYTES) % (sound.length - BLOCK_BYTES)
      response.write(Buffer.concat([sound.subarray(at, at + BLOCK_BYTES), title]))
    }
  })
  return {
    url: `${http.url}/live.mp3`,
    requests: () => http.count('/live.mp3'),
    play: (next: OnAir) => {
      now = next
    },
    /** Says nothing more to those who listen, and keeps their connections. */
    stall: () => {
      dropped += 1
    },
    close: http.close,
  }
}
