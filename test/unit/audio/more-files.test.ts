import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDecoded } from '../../../src/audio/files/decode.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { frequencyOf } from '../../../src/audio/spectrum.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-more-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fixture = (name: string) => new URL(`../../support/fixtures/${name}`, import.meta.url).pathname
const at = (name: string) => join(folder, name)

/** Three seconds of 440 Hz left and 880 Hz right, encoded by ffmpeg. */
const make = (name: string, ...output: string[]) => {
  const tones = ['440', '880'].flatMap((hz) => [
    '-f',
    'lavfi',
    '-i',
    `sine=frequency=${hz}:duration=3:sample_rate=48000`,
  ])
  const join = [
    '-filter_complex',
    '[0][1]amerge=inputs=2,volume=12dB',
    '-metadata',
    'title=A tone',
    '-metadata',
    'artist=Ann',
  ]
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...tones, ...join, ...output, at(name)])
}

beforeAll(() => {
  make('opus.webm', '-c:a', 'libopus', '-b:a', '96k')
  // As browsers record: nothing knows its size, no index, no duration.
  make('live.webm', '-c:a', 'libopus', '-b:a', '96k', '-f', 'webm', '-live', '1', '-cluster_time_limit', '500')
  make('clusters.mka', '-c:a', 'libopus', '-b:a', '96k', '-f', 'matroska', '-cluster_time_limit', '300')
  make('vorbis.webm', '-c:a', 'libvorbis', '-f', 'webm')
  make('aac.m4a', '-c:a', 'aac', '-b:a', '192k')
  make('alac.m4a', '-c:a', 'alac')
  make('adts.aac', '-c:a', 'aac', '-b:a', '192k')
  for (const name of [
    'tagged.mp3',
    'tagged.flac',
    'tagged.ogg',
    'tagged.opus',
    'tagged.wav',
    'tagged.webm',
    'tagged.m4a',
  ])
    make(name)
})

const decode = async (path: string, options: { channels?: 1 | 2; startMs?: number } = {}) => {
  const decoded = await openDecoded(path, options)
  const pieces: Int16Array[] = []
  try {
    for await (const piece of decoded.pcm()) pieces.push(piece)
  } finally {
    await decoded.close()
  }
  const samples = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let length = 0
  for (const piece of pieces) {
    samples.set(piece, length)
    length += piece.length
  }
  return { samples, info: decoded.info, warning: decoded.warning() }
}
const lane = (samples: Int16Array, channel: number) => samples.filter((_, i) => i % 2 === channel)

const files = [
  { name: 'opus.webm', format: 'webm', isTimed: true },
  { name: 'live.webm', format: 'webm', isTimed: false },
  { name: 'clusters.mka', format: 'webm', isTimed: true },
  { name: 'vorbis.webm', format: 'mp4', isTimed: true, seekSlack: 480 },
  { name: 'aac.m4a', format: 'mp4', isTimed: true },
  { name: 'alac.m4a', format: 'mp4', isTimed: true },
  { name: 'adts.aac', format: 'aac', isTimed: false },
] as const

describe.each(files)('$name', ({ name, format, isTimed, ...more }) => {
  // Of Vorbis in WebM times are rounded to a millisecond, and its blocks differ in length.
  const seekSlack = 'seekSlack' in more ? more.seekSlack : 1

  it('plays its three seconds, each tone on its side', async () => {
    const { samples, info, warning } = await decode(at(name))
    expect(info).toMatchObject({ format, channels: 2, sampleRate: 48_000 })
    if (isTimed) expect(Math.abs(info.durationMs! - 3000)).toBeLessThan(30)
    expect(Math.abs(samples.length / 2 - 144_000)).toBeLessThanOrEqual(format === 'webm' ? 48 : 2048)
    expect(frequencyOf(lane(samples, 0))).toBeCloseTo(440, 0)
    expect(frequencyOf(lane(samples, 1))).toBeCloseTo(880, 0)
    expect(warning).toBeUndefined()
  })

  it('begins in the middle with the same samples as from the start', async () => {
    const whole = lane((await decode(at(name))).samples, 0)
    for (const startMs of [100, 1500, 2900]) {
      const part = lane((await decode(at(name), { startMs })).samples, 0)
      expect(Math.abs(part.length - (whole.length - startMs * 48))).toBeLessThanOrEqual(seekSlack)
      if (seekSlack > 1) continue
      const differences = part.subarray(64, 4000).map((sample, i) => sample - whole[startMs * 48 + 64 + i]!)
      expect(levelDb(differences)).toBeLessThan(-45)
    }
  })

  it('mixes down to mono when asked', async () => {
    const { samples } = await decode(at(name), { channels: 1 })
    expect(Math.abs(samples.length - 144_000)).toBeLessThanOrEqual(2048)
  })
})

describe('WebM', () => {
  it('plays what is there when truncated, and warns', async () => {
    const bytes = readFileSync(at('clusters.mka'))
    writeFileSync(at('cut.mka'), bytes.subarray(0, bytes.length * 0.6))
    const { samples, warning } = await decode(at('cut.mka'))
    expect(samples.length / 2 / 48_000).toBeCloseTo(1.8, 0)
    expect(warning).toMatch(/truncated/)
  })

  it('plays on after damage in the middle, in time', async () => {
    const bytes = readFileSync(at('clusters.mka'))
    const middle = Math.floor(bytes.length * 0.4)
    bytes.fill(0x55, middle, middle + 300)
    writeFileSync(at('hurt.mka'), bytes)
    const { samples, warning } = await decode(at('hurt.mka'))
    expect(Math.abs(samples.length / 2 - 144_000)).toBeLessThanOrEqual(48)
    expect(frequencyOf(lane(samples.subarray(-96_000), 0))).toBeCloseTo(440, 0)
    expect(warning).toMatch(/damaged/)
  })
})

describe('tags', () => {
  it.each(['mp3', 'flac', 'ogg', 'opus', 'wav', 'webm', 'm4a'])('are read from %s', async (ending) => {
    const decoded = await openDecoded(at(`tagged.${ending}`))
    expect(await decoded.tags()).toEqual({ title: 'A tone', artist: 'Ann' })
    await decoded.close()
  })

  it.each([
    ['ID3v2.3 in UTF-16', ['-id3v2_version', '3', '-metadata', 'title=Ünïcode ☕']],
    ['ID3v2.4 in UTF-8', ['-id3v2_version', '4', '-metadata', 'title=Ünïcode ☕']],
  ])('are read from %s', async (name, options) => {
    make(`${name}.mp3`, ...options)
    const decoded = await openDecoded(at(`${name}.mp3`))
    expect((await decoded.tags()).title).toBe('Ünïcode ☕')
    await decoded.close()
  })

  it('are read from ID3v1', async () => {
    const tag = Buffer.alloc(128)
    tag.write('TAGPl\xe4in', 'latin1')
    tag.write('Ann', 33, 'latin1')
    writeFileSync(at('v1.mp3'), Buffer.concat([readFileSync(fixture('tone-vbr.mp3')), tag]))
    const decoded = await openDecoded(at('v1.mp3'))
    expect(await decoded.tags()).toEqual({ title: 'Pläin', artist: 'Ann' })
    await decoded.close()
  })
})

describe('broken files of any kind', () => {
  const names = [
    'tagged.mp3',
    'tagged.flac',
    'tagged.ogg',
    'tagged.opus',
    'tagged.wav',
    'opus.webm',
    'live.webm',
    'clusters.mka',
  ]
  it.each(names)('a mutated %s plays, or is refused in one sentence', async (name) => {
    const original = readFileSync(at(name)).subarray(0, 30_000)
    let seed = 11
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    for (let round = 0; round < 12; round++) {
      const bytes = Buffer.from(original.subarray(0, round % 3 === 0 ? random(original.length) : original.length))
      // Half of the harm is done to the headers.
      for (let i = 0; i < 1 + random(8); i++) bytes[random(round % 2 === 0 ? 600 : bytes.length)] = random(256)
      const path = at(`mutated-${name}`)
      writeFileSync(path, bytes)
      const result = await decode(path).catch((error) => error)
      if (!(result instanceof Error)) continue
      expect(result).toMatchObject({ code: 'not-audio', message: expect.stringMatching(/^[^\n]+\.$/) })
    }
  })
})

it('the fixtures have no tags that are made up', async () => {
  const decoded = await openDecoded(fixture('tone.flac'))
  const { title, artist } = await decoded.tags()
  expect([title, artist]).toEqual([undefined, undefined])
  await decoded.close()
})
