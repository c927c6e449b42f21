import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { levelDb } from '../../../src/audio/level.ts'
import { frequencyOf } from '../../../src/audio/spectrum.ts'
import { openStream } from '../../../src/bot/sound/stream.ts'
import {
  type HlsPieces,
  hlsPieces,
  sendPaced,
  startHttp,
  stationMp3,
  toneBytes,
  withIcyTitles,
} from '../../support/station.ts'

const PACE = 8_000
const BURST = 24_000
/** The silence that the encoder of MP3 puts in front, 1105 samples. */
const ENCODER_GAP_MS = 30
// They wait for stations more than they work.
vi.setConfig({ maxConcurrency: 12 })

let low: Buffer
let high: Buffer
let lowHigh: Buffer
let opusChain: Buffer
let aac: Buffer
let flac: Buffer
let hls: HlsPieces
let server: Awaited<ReturnType<typeof startHttp>>

const opus = (hz: number, title: string) =>
  toneBytes(
    [{ hz, seconds: 3 }],
    ['-f', 'opus', '-b:a', '48k', '-metadata', `title=${title}`, '-metadata', 'artist=Ann'],
  )

beforeAll(async () => {
  low = stationMp3([{ hz: 440, seconds: 20 }])
  high = stationMp3([{ hz: 880, seconds: 20 }])
  lowHigh = stationMp3([
    { hz: 440, seconds: 4 },
    { hz: 880, seconds: 8 },
  ])
  opusChain = Buffer.concat([opus(440, 'First'), opus(880, 'Second')])
  aac = toneBytes([{ hz: 440, seconds: 8 }], ['-f', 'adts', '-b:a', '64k'])
  flac = toneBytes([{ hz: 440, seconds: 8 }], ['-f', 'ogg', '-c:a', 'flac', '-metadata', 'title=Lossless'])
  hls = hlsPieces([
    { hz: 440, seconds: 6 },
    { hz: 880, seconds: 6 },
  ])
  const station = { 'content-type': 'audio/mpeg', 'icy-name': 'Radio Test' }
  const send = (bytes: Buffer) => ({ bytes, bytesPerSecond: PACE, burst: BURST })
  let onAirMs: number | undefined
  server = await startHttp(async (request, response, count) => {
    const answers: Record<string, () => unknown> = {
      '/titles': () => {
        response.writeHead(200, { ...station, 'icy-metaint': '4000' })
        const titles = [
          { at: 4000, text: "StreamTitle='Ann - Low';StreamUrl='';" },
          { at: 32_000, text: "StreamTitle='Bob\u001b[31m - It's high';" },
        ]
        return sendPaced(response, send(withIcyTitles(lowHigh, 4000, titles)))
      },
      '/stalls': () => {
        response.writeHead(200, station)
        return sendPaced(response, count === 1 ? { ...send(low.subarray(0, BURST)) } : send(high))
      },
      '/drops': async () => {
        response.writeHead(200, station)
        await sendPaced(response, send(count === 1 ? low.subarray(0, BURST + 8_000) : high))
        response.destroy()
      },
      '/gone-after': async () => {
        if (count > 1) return response.writeHead(404).end()
        response.writeHead(200, station)
        await sendPaced(response, send(low.subarray(0, BURST)))
        return response.destroy()
      },
      '/chain': () => {
        response.writeHead(200, { 'content-type': 'application/ogg', 'icy-name': 'Chain' })
        return sendPaced(response, { bytes: opusChain, bytesPerSecond: 10_000, burst: 20_000 })
      },
      '/aac': () => {
        response.writeHead(200, { 'content-type': 'audio/aacp', 'icy-name': 'AAC', 'icy-metaint': '4000' })
        // A station is joined in the middle of a frame.
        const sound = aac.subarray(1001)
        return sendPaced(response, send(withIcyTitles(sound, 4000, [{ at: 4000, text: "StreamTitle='Ann - Low';" }])))
      },
      '/flac': () => {
        response.writeHead(200, { 'content-type': 'application/ogg', 'icy-name': 'FLAC' })
        return sendPaced(response, { bytes: flac, bytesPerSecond: 40_000, burst: 60_000 })
      },
      '/all.m3u8': () =>
        response
          .writeHead(200, { 'content-type': 'application/vnd.apple.mpegurl' })
          .end(
            '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\n/missing\n#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"\non-air.m3u8\n',
          ),
      '/on-air.m3u8': () => {
        onAirMs ??= performance.now()
        const first = Math.floor((performance.now() - onAirMs) / 1000 / hls.pieceSeconds)
        response.writeHead(200, { 'content-type': 'application/vnd.apple.mpegurl' }).end(hls.list(first, first + 3))
      },
      '/whole.m3u8': () =>
        response.writeHead(200, { 'content-type': 'application/x-mpegURL' }).end(`${hls.list(0)}#EXT-X-ENDLIST\n`),
      '/file.mp3': () => {
        const bytes = lowHigh
        response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': bytes.length })
        response.end(bytes)
      },
      '/breaks.mp3': () => {
        response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': lowHigh.length })
        if (count > 1) return response.end(lowHigh)
        response.write(lowHigh.subarray(0, 50_000), () => response.destroy())
      },
      '/moved': () => response.writeHead(302, { location: '/list.pls' }).end(),
      '/list.pls': () =>
        response
          .writeHead(200, { 'content-type': 'audio/x-scpls' })
          .end('[playlist]\nFile1=/missing\nFile2=/list.m3u\n'),
      '/list.m3u': () => response.writeHead(200, { 'content-type': 'audio/x-mpegurl' }).end('#EXTM3U\nfile.mp3\n'),
      '/page': () => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Hello</html>'),
      '/lies': () => response.writeHead(200, station).end(`<html>${'no sound '.repeat(5000)}</html>`),
      '/empty': () => response.writeHead(200, station).end(),
      '/busy': () => response.writeHead(503).end(),
      '/hls': () =>
        response
          .writeHead(200, { 'content-type': 'application/vnd.apple.mpegurl' })
          .end('#EXTM3U\n#EXT-X-VERSION:3\na.ts\n'),
      '/round': () => response.writeHead(302, { location: '/round' }).end(),
      '/silent': () => {},
    }
    const known = answers[request.url ?? '']
    const piece = hls.pieces.get((request.url ?? '').slice(1))
    if (piece) return response.writeHead(200, { 'content-type': 'video/mp2t' }).end(piece)
    await (known ? known() : response.writeHead(404).end())
  })
})
afterAll(() => server.close())

type Heard = {
  samples: Int16Array
  titles: { title: string; artist: string | null; atMs: number }[]
  warnings: string[]
}

/** Plays a stream as the program does, until so much was given or `isEnough`. */
const hear = async (path: string, { ms, startMs }: { ms: number; startMs?: number }): Promise<Heard> => {
  const opened = await openStream({ url: path.startsWith('http') ? path : server.url + path, channels: 1, startMs })
  const pieces: Int16Array[] = []
  let length = 0
  const heard: Omit<Heard, 'samples'> = { titles: [], warnings: [] }
  opened.onTitle?.((title) => heard.titles.push({ ...title, atMs: length / 48 }))
  opened.onWarning?.((message) => heard.warnings.push(message))
  for await (const piece of opened.pcm()) {
    pieces.push(piece)
    length += piece.length
    if (length >= ms * 48) break
  }
  await opened.close()
  const samples = new Int16Array(length)
  let at = 0
  for (const piece of pieces) {
    samples.set(piece, at)
    at += piece.length
  }
  return { samples, ...heard }
}

const hzAt = (samples: Int16Array, ms: number) => frequencyOf(samples.subarray(ms * 48, (ms + 300) * 48))
/** When the second tone begins. */
const changeMs = (samples: Int16Array) => {
  for (let ms = 0; ms + 40 < samples.length / 48; ms += 20) {
    if (Math.abs(frequencyOf(samples.subarray(ms * 48, (ms + 40) * 48)) - 880) < 60) return ms
  }
  return undefined
}
const longestGapMs = (samples: Int16Array) => {
  let [gap, longest] = [0, 0]
  for (let at = 0; at + 480 <= samples.length; at += 480) {
    gap = levelDb(samples.subarray(at, at + 480)) < -60 ? gap + 10 : 0
    longest = Math.max(longest, gap)
  }
  return longest
}

describe('a station', () => {
  it.concurrent('is heard, and its titles come with their sound, cleaned', async () => {
    const { samples, titles, warnings } = await hear('/titles', { ms: 6_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(hzAt(samples, 5_500)).toBeCloseTo(880, 0)
    expect(titles.map(({ title, artist }) => [artist, title])).toEqual([
      ['Ann', 'Low'],
      ['Bob', "It's high"],
    ])
    expect(Math.abs(titles[1]!.atMs - changeMs(samples)!)).toBeLessThan(1_000)
    expect(longestGapMs(samples)).toBeLessThanOrEqual(ENCODER_GAP_MS)
    expect(warnings).toEqual([])
  })

  it.concurrent('that falls silent is asked again after 5 s, and said to once', async () => {
    const { samples, warnings } = await hear('/stalls', { ms: 9_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(hzAt(samples, 8_500)).toBeCloseTo(880, 0)
    expect(warnings).toEqual([
      expect.stringMatching(/\/stalls broke off \(nothing came for 5 s\); it is asked again\.$/),
    ])
    expect(server.count('/stalls')).toBe(2)
  })

  it.concurrent('that drops the line is back without a gap: what was in hand bridges it', async () => {
    const { samples, warnings } = await hear('/drops', { ms: 7_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(hzAt(samples, 6_500)).toBeCloseTo(880, 0)
    expect(longestGapMs(samples)).toBeLessThanOrEqual(ENCODER_GAP_MS)
    expect(warnings).toHaveLength(1)
  })

  it.concurrent('that is gone for good is silence, said once', async () => {
    const { samples, warnings } = await hear('/gone-after', { ms: 6_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(levelDb(samples.subarray(4_500 * 48))).toBe(-100)
    expect(warnings).toHaveLength(1)
    expect(server.count('/gone-after')).toBeGreaterThan(2)
  })

  it.concurrent('may send one Ogg stream after the other, each with its title', async () => {
    const { samples, titles } = await hear('/chain', { ms: 5_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(hzAt(samples, 4_500)).toBeCloseTo(880, 0)
    expect(titles.map(({ title, artist }) => [artist, title])).toEqual([
      ['Ann', 'First'],
      ['Ann', 'Second'],
    ])
    expect(Math.abs(titles[1]!.atMs - changeMs(samples)!)).toBeLessThan(1_000)
    expect(longestGapMs(samples)).toBeLessThanOrEqual(ENCODER_GAP_MS)
  })

  it.concurrent('may send AAC, and be joined in the middle of a frame', async () => {
    const { samples, titles, warnings } = await hear('/aac', { ms: 4_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(hzAt(samples, 3_500)).toBeCloseTo(440, 0)
    expect(longestGapMs(samples)).toBeLessThanOrEqual(ENCODER_GAP_MS)
    expect(titles).toMatchObject([{ title: 'Low', artist: 'Ann' }])
    expect(warnings).toEqual([])
  })

  it.concurrent('may send FLAC', async () => {
    const { samples, titles, warnings } = await hear('/flac', { ms: 3_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(hzAt(samples, 2_500)).toBeCloseTo(440, 0)
    expect(longestGapMs(samples)).toBe(0)
    expect(titles).toMatchObject([{ title: 'Lossless' }])
    expect(warnings).toEqual([])
  })

  it.concurrent('may be an HLS list of pieces that goes on, the one for sound among several', async () => {
    const { samples, warnings } = await hear('/all.m3u8', { ms: 8_000 })
    expect(hzAt(samples, 500)).toBeCloseTo(440, 0)
    expect(hzAt(samples, 7_500)).toBeCloseTo(880, 0)
    expect(longestGapMs(samples)).toBeLessThanOrEqual(ENCODER_GAP_MS)
    expect(warnings).toEqual([])
  })

  it.concurrent('that never answers is refused', async () => {
    await expect(hear('/silent', { ms: 1_000 })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/it took too long\.$/),
    })
  })

  it.concurrent('of the first kind answers ICY instead of HTTP', async () => {
    const old = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write('ICY 200 OK\r\nicy-name: Old\r\nicy-metaint:4000\r\n\r\n')
        void sendPaced(socket, {
          bytes: withIcyTitles(low, 4000, [{ at: 4000, text: "StreamTitle='Was';" }]),
          bytesPerSecond: PACE,
          burst: BURST,
        })
      })
    })
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve))
    const { port } = old.address() as { port: number }
    const { samples, titles } = await hear(`http://127.0.0.1:${port}/`, { ms: 1_500 })
    expect(hzAt(samples, 800)).toBeCloseTo(440, 0)
    expect(titles).toMatchObject([{ title: 'Was', artist: null }])
    old.close()
  })
})

describe('a file at an address', () => {
  it.concurrent('is found by a redirection and lists, and begins where asked', async () => {
    const { samples, warnings } = await hear('/moved', { ms: 60_000, startMs: 3_000 })
    expect(samples.length / 48_000).toBeCloseTo(9, 0)
    expect(changeMs(samples)).toBeCloseTo(1_000, -2)
    expect(warnings).toEqual([])
  })

  it.concurrent('may be an HLS list of all its pieces', async () => {
    const { samples, warnings } = await hear('/whole.m3u8', { ms: 60_000, startMs: 3_000 })
    expect(samples.length / 48_000).toBeCloseTo(9, 0)
    expect(Math.abs(changeMs(samples)! - 3_000)).toBeLessThan(100)
    expect(warnings).toEqual([])
  })

  it.concurrent('that breaks off goes on where it was', async () => {
    const { samples, warnings } = await hear('/breaks.mp3', { ms: 60_000 })
    expect(samples.length / 48_000).toBeCloseTo(12, 0)
    expect(changeMs(samples)).toBeCloseTo(4_000, -2)
    expect(longestGapMs(samples)).toBeLessThanOrEqual(60)
    expect(warnings).toEqual([expect.stringMatching(/broke off/)])
  })
})

describe('what is no sound', () => {
  it.concurrent.each([
    ['/missing', 'not-found', /^There is nothing at .*\/missing \(HTTP 404\)\.$/],
    ['/page', 'not-audio', /\/page is a web page, not sound\.$/],
    ['/lies', 'not-audio', /\/lies is not audio that we know/],
    ['/empty', 'not-audio', /\/empty is empty/],
    ['/busy', 'unreachable', /gives no sound now \(HTTP 503\)\.$/],
    ['/hls', 'not-audio', /is an HLS list of pieces/],
    ['/round', 'unreachable', /redirects without end/],
    ['http://127.0.0.1:1/', 'unreachable', /connection refused\.$/],
    ['http://no.such.host.invalid/', 'unreachable', /no such host\.$/],
    ['http://', 'bad-input', /is not an http or https address\.$/],
  ])('is refused in one sentence: %s', async (path, code, message) => {
    await expect(hear(path, { ms: 1_000 })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})
