import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openDecoded } from '../../../src/audio/files/decode.ts'
import { openAudioFile } from '../../../src/audio/files/open.ts'
import { createFrame } from '../../../src/audio/frame.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { frequencyOf } from '../../../src/audio/spectrum.ts'
import { eventually } from '../../support/eventually.ts'
import { sine } from '../../support/signals.ts'
import { wavBytes } from '../../support/wav-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Three seconds at 44.1 kHz: 440 Hz left, 880 Hz right, about -24 dBFS. */
const fixture = (name: string) => new URL(`../../support/fixtures/${name}`, import.meta.url).pathname

const save = (name: string, bytes: Buffer | string): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

const decode = async (path: string, options: { channels?: 1 | 2; startMs?: number } = {}) => {
  const decoded = await openDecoded(path, options)
  const pieces: Int16Array[] = []
  for await (const piece of decoded.pcm()) pieces.push(piece)
  await decoded.close()
  const samples = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    samples.set(piece, at)
    at += piece.length
  }
  return { samples, info: decoded.info, channels: decoded.channels, warning: decoded.warning() }
}

const lane = (samples: Int16Array, channel: number) => samples.filter((_, i) => i % 2 === channel)
const bytesOf = (samples: Int16Array) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)

const files = [
  { name: 'tone.opus', format: 'opus', exact: false },
  { name: 'tone-120ms.opus', format: 'opus', exact: false },
  { name: 'tone.ogg', format: 'vorbis', exact: true },
  { name: 'tone.mp3', format: 'mp3', exact: true },
  { name: 'tone-vbr.mp3', format: 'mp3', exact: true },
  { name: 'tone.flac', format: 'flac', exact: true },
] as const

describe.each(files)('$name', ({ name, format, exact }) => {
  it('plays its three seconds, each tone on its side', async () => {
    const { samples, info, channels, warning } = await decode(fixture(name))
    expect(info).toMatchObject({ format, channels: 2 })
    expect(info.durationMs).toBeCloseTo(3000, 0)
    expect(channels).toBe(2)
    expect(Math.abs(samples.length / 2 - 144_000)).toBeLessThanOrEqual(1)
    expect(frequencyOf(lane(samples, 0))).toBeCloseTo(440, 0)
    expect(frequencyOf(lane(samples, 1))).toBeCloseTo(880, 0)
    expect(warning).toBeUndefined()
  })

  it('mixes down to mono when asked', async () => {
    const { samples, channels } = await decode(fixture(name), { channels: 1 })
    expect(channels).toBe(1)
    expect(Math.abs(samples.length - 144_000)).toBeLessThanOrEqual(1)
  })

  it('begins in the middle with the same samples as from the start', async () => {
    const whole = lane((await decode(fixture(name))).samples, 0)
    for (const startMs of [100, 1500, 2900]) {
      const part = lane((await decode(fixture(name), { startMs })).samples, 0)
      const offset = startMs * 48
      expect(Math.abs(part.length - (whole.length - offset))).toBeLessThanOrEqual(1)
      // The resampler starts anew there, which only its first samples show.
      const differences = part.subarray(64, 4000).map((sample, i) => sample - whole[offset + 64 + i]!)
      expect(levelDb(differences)).toBeLessThan(exact ? -85 : -60)
    }
  })

  it('plays what is there when truncated, and warns', async () => {
    const bytes = readFileSync(fixture(name))
    const { samples, warning } = await decode(save(`cut-${name}`, bytes.subarray(0, Math.floor(bytes.length * 0.7))))
    expect(samples.length / 2).toBeGreaterThan(30_000)
    expect(samples.length / 2).toBeLessThan(130_000)
    expect(warning).toMatch(/truncated/)
  })

  it('plays on after damage in the middle', async () => {
    const bytes = Buffer.from(readFileSync(fixture(name)))
    const at = Math.floor(bytes.length * 0.4)
    bytes.fill(0x55, at, at + 300)
    const { samples, warning } = await decode(save(`hurt-${name}`, bytes))
    expect(samples.length / 2).toBeGreaterThan(format === 'vorbis' ? 90_000 : 130_000)
    expect(warning).toBeTypeOf('string')
  })

  it('is known by content, not by name', async () => {
    const path = join(folder, `${name}.txt`)
    copyFileSync(fixture(name), path)
    expect((await decode(path)).info.format).toBe(format)
  })
})

describe('wav', () => {
  const tone = sine({ hz: 440, ms: 500 })

  it('passes 16 bits at 48 kHz bit by bit', async () => {
    const { samples, info } = await decode(save('a.wav', wavBytes(bytesOf(tone))))
    expect(info).toEqual({ format: 'wav', sampleRate: 48_000, channels: 1, durationMs: 500 })
    expect(samples).toEqual(tone)
  })

  it.each([
    ['8 bits', 8, 1, (x: number) => Buffer.of(Math.round(x * 127 + 128))],
    ['24 bits', 24, 1, (x: number) => le(3, (b) => b.writeIntLE(Math.round(x * 8388607), 0, 3))],
    ['32 bits', 32, 1, (x: number) => le(4, (b) => b.writeInt32LE(Math.round(x * 2147483647)))],
    ['32 bits of floating point', 32, 3, (x: number) => le(4, (b) => b.writeFloatLE(x))],
    ['64 bits of floating point', 64, 3, (x: number) => le(8, (b) => b.writeDoubleLE(x))],
  ] as const)('reads %s, extensible or not', async (_, bits, tag, write) => {
    const data = Buffer.concat(Array.from(tone, (sample) => write(sample / 32768)))
    for (const extensible of [false, true]) {
      const { samples } = await decode(save('b.wav', wavBytes(data, { bits, tag, extensible })))
      expect(samples.length).toBe(tone.length)
      expect(levelDb(samples)).toBeCloseTo(-20, 0)
      expect(frequencyOf(samples)).toBeCloseTo(440, 0)
    }
  })

  it('skips odd chunks and takes more than two channels', async () => {
    const six = Int16Array.from({ length: tone.length * 6 }, (_, i) => tone[Math.floor(i / 6)]!)
    const extra: Array<[string, Buffer]> = [
      ['LIST', Buffer.from('odd')],
      ['junk', Buffer.alloc(101)],
    ]
    const { samples, channels } = await decode(save('c.wav', wavBytes(bytesOf(six), { channels: 6, extra })))
    expect(channels).toBe(1)
    expect(levelDb(samples)).toBeCloseTo(-20, 0)
  })

  it('takes sizes that a killed recorder left behind', async () => {
    for (const declaredBytes of [0, 0xffffffff, 0x7fffffff]) {
      const { samples, warning } = await decode(save('d.wav', wavBytes(bytesOf(tone), { declaredBytes })))
      expect(samples).toEqual(tone)
      expect(warning).toBeUndefined()
    }
  })

  it('plays what is there when cut short, and warns', async () => {
    const bytes = wavBytes(bytesOf(tone))
    const { samples, warning } = await decode(save('e.wav', bytes.subarray(0, 10_001)))
    expect(samples).toEqual(tone.subarray(0, samples.length))
    expect(warning).toMatch(/truncated/)
  })

  it('begins where asked', async () => {
    const path = save('f.wav', wavBytes(bytesOf(tone)))
    expect((await decode(path, { startMs: 250 })).samples).toEqual(tone.subarray(12_000))
    expect((await decode(path, { startMs: 9999 })).samples).toHaveLength(0)
  })
})

describe('what is not audio', () => {
  it.each([
    ['text', Buffer.from('Hello there. '.repeat(400))],
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(5000)],
    ['an MP4', Buffer.concat([Buffer.from('\0\0\0 ftypM4A '), Buffer.alloc(500)])],
    ['a WAV header alone', wavBytes(Buffer.alloc(0)).subarray(0, 36)],
    ['a broken FLAC', Buffer.from('fLaC nothing of the kind follows this')],
    ['a broken Ogg', Buffer.concat([Buffer.from('OggS'), Buffer.alloc(300)])],
  ])('is refused in one sentence: %s', async (name, bytes) => {
    const path = save(`not-${name}.mp3`, bytes)
    await expect(openAudioFile(path)).rejects.toMatchObject({
      code: 'not-audio',
      message: expect.stringMatching(/^[^\n]+\.$/),
    })
  })

  it('random bytes do not pass as MP3', async () => {
    let seed = 5
    const noise = Buffer.from(
      Array.from({ length: 200_000 }, () => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
        return seed >>> 24
      }),
    )
    await expect(openAudioFile(save('noise.mp3', noise))).rejects.toMatchObject({ code: 'not-audio' })
  })

  it('folders and missing files are told apart', async () => {
    await expect(openAudioFile(folder)).rejects.toMatchObject({ code: 'not-audio' })
    await expect(openAudioFile(join(folder, 'nowhere.mp3'))).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('a file as a source', () => {
  it('gives every frame at once from the first read, says where it is, and ends once', async () => {
    const source = await openAudioFile(fixture('tone.opus'))
    const frame = createFrame(2)
    expect(source.read(frame)).toBe('frame')
    expect(source.positionMs()).toBe(10)
    let frames = 1
    const readOn = () => {
      for (;;) {
        const result = source.read(frame)
        if (result === 'starved') return false
        frames++
        if (result === 'ended') return true
      }
    }
    await eventually(readOn, { withinMs: 5000, what: 'the end of the file' })
    expect(frames).toBe(300)
    expect(source.read(frame)).toBe('ended')
    expect(source.warning()).toBeUndefined()
    await source.close()
  })

  it('can be closed in the middle', async () => {
    const source = await openAudioFile(fixture('tone.flac'), { startMs: 500, channels: 1 })
    expect(source.read(createFrame(1))).toBe('frame')
    expect(source.positionMs()).toBe(510)
    await source.close()
  })

  it('warns of truncation only when it has come to it', async () => {
    const bytes = readFileSync(fixture('tone.mp3'))
    const source = await openAudioFile(save('cut.mp3', bytes.subarray(0, 15_000)), { channels: 1 })
    const frame = createFrame(1)
    await eventually(() => source.read(frame) === 'ended', { withinMs: 5000, everyMs: 1, what: 'the end' })
    expect(source.warning()).toMatch(/truncated/)
    await source.close()
  })
})

const le = (size: number, write: (buffer: Buffer) => void): Buffer => {
  const buffer = Buffer.alloc(size)
  write(buffer)
  return buffer
}
