import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDecoded } from '../../../src/audio/files/decode.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { frequencyOf } from '../../../src/audio/spectrum.ts'
import { toneBytes } from '../../support/station.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-ogg-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

/** Two seconds of a tone, in Ogg. */
const ogg = (hz: number, ...output: string[]) => toneBytes([{ hz, seconds: 2 }], ['-f', 'ogg', ...output])
const flac = (hz: number) => ogg(hz, '-c:a', 'flac', '-metadata', `title=${hz} Hz`)
const opus = (hz: number) => ogg(hz, '-c:a', 'libopus')
const vorbis = (hz: number) => ogg(hz, '-c:a', 'libvorbis', '-ar', '44100')

const decode = async (path: string, startMs = 0) => {
  const decoded = await openDecoded(path, { startMs })
  const pieces: Int16Array[] = []
  for await (const piece of decoded.pcm()) pieces.push(piece)
  const tags = await decoded.tags()
  await decoded.close()
  return {
    samples: Int16Array.from(pieces.flatMap((piece) => [...piece])),
    ...decoded,
    tags,
    warning: decoded.warning(),
  }
}
const hzAt = (samples: Int16Array, ms: number) => frequencyOf(samples.subarray(ms * 48, (ms + 400) * 48))

describe('FLAC in Ogg', () => {
  const file = at('tone.oga')
  beforeAll(() => writeFileSync(file, flac(440)))

  it('plays to the sample what FLAC alone plays', async () => {
    writeFileSync(at('tone.flac'), toneBytes([{ hz: 440, seconds: 2 }], ['-f', 'flac']))
    const [{ samples, info, tags, warning }, bare] = [await decode(file), await decode(at('tone.flac'))]
    expect(samples).toEqual(bare.samples)
    expect(info).toEqual({ format: 'flac', sampleRate: 48_000, channels: 1, durationMs: 2000 })
    expect(tags.title).toBe('440 Hz')
    expect(warning).toBeUndefined()
  })

  it('begins in the middle at the very sample', async () => {
    const whole = (await decode(file)).samples
    for (const startMs of [1, 700, 1999])
      expect((await decode(file, startMs)).samples).toEqual(whole.subarray(startMs * 48))
  })

  it('plays what is there when it is damaged and truncated, and warns', async () => {
    const bytes = ogg(440, '-c:a', 'flac', '-page_duration', '100000')
    const middle = Math.floor(bytes.length * 0.3)
    bytes.fill(0x55, middle, middle + 50)
    writeFileSync(at('hurt.oga'), bytes.subarray(0, bytes.length * 0.7))
    const { samples, warning } = await decode(at('hurt.oga'))
    expect(samples.length).toBeGreaterThan(48_000)
    expect(warning).toMatch(/truncated/)
  })
})

describe('a chain of Ogg streams in a file', () => {
  it('is played from its first to its last, whatever each is', async () => {
    writeFileSync(at('chain.ogg'), Buffer.concat([opus(440), vorbis(660), flac(880)]))
    const { samples, info, warning } = await decode(at('chain.ogg'))
    expect(info.durationMs).toBeCloseTo(6000, 0)
    expect(Math.abs(samples.length - 288_000)).toBeLessThan(48)
    expect([500, 2500, 4500].map((ms) => Math.round(hzAt(samples, ms)))).toEqual([440, 660, 880])
    for (const seamMs of [2000, 4000])
      expect(levelDb(samples.subarray((seamMs - 20) * 48, (seamMs + 20) * 48))).toBeGreaterThan(-30)
    expect(warning).toBeUndefined()
  })

  it('begins in the middle of any of them', async () => {
    const whole = (await decode(at('chain.ogg'))).samples
    for (const startMs of [1000, 3000, 5000]) {
      const { samples, warning } = await decode(at('chain.ogg'), startMs)
      expect(Math.abs(samples.length - (whole.length - startMs * 48))).toBeLessThan(48)
      expect(Math.abs(hzAt(samples, 100) - hzAt(whole, startMs + 100))).toBeLessThan(1)
      expect(warning).toBeUndefined()
    }
  })

  it('is found in a long file, too, and a part that is no sound is left out', async () => {
    const long = toneBytes([{ hz: 440, seconds: 60 }], ['-f', 'ogg', '-c:a', 'libopus', '-b:a', '96k'])
    const video = execFileSync('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'color=size=16x16:duration=1'],
      ...['-f', 'ogg', '-c:v', 'libtheora', '-'],
    ])
    writeFileSync(at('long.ogg'), Buffer.concat([long, video, opus(880)]))
    const { info, samples, warning } = await decode(at('long.ogg'), 59_000)
    expect(info.durationMs).toBeCloseTo(62_000, 0)
    expect([100, 1500].map((ms) => Math.round(hzAt(samples, ms)))).toEqual([440, 880])
    expect(warning).toMatch(/^Part 2 of .*long\.ogg cannot be played and is left out\.$/)
  })

  it('is played though its parts have one number, as copies put together have', async () => {
    const one = opus(440)
    writeFileSync(at('twice.opus'), Buffer.concat([one, one]))
    const { samples } = await decode(at('twice.opus'))
    expect(Math.abs(samples.length - 192_000)).toBeLessThan(48)
    expect(Math.round(hzAt(samples, 3000))).toBe(440)
  })
})
