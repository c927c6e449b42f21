import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openDecoded } from '../../../src/audio/files/decode.ts'
import { createSoundFile } from '../../../src/audio/files/sound-file.ts'
import { type Channels, createFrame } from '../../../src/audio/frame.ts'
import { levelDb } from '../../../src/audio/level.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-sound-file-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Clicks at known samples over a quiet tone. */
const frames = 777
const clicks = [4_321, 123_456, 300_000]
const sampleAt = (at: number) =>
  (clicks.some((click) => at >= click && at < click + 24) ? 20_000 : 0) + 2000 * Math.sin(at * 0.05)

const written = async (name: string, channels: Channels) => {
  const path = join(folder, name)
  const file = await createSoundFile(path, { channels, tags: { TITLE: 'Morning: sit' } })
  const frame = createFrame(channels)
  for (let n = 0; n < frames; n++) {
    for (let i = 0; i < 480; i++) frame.fill(sampleAt(n * 480 + i), i * channels, (i + 1) * channels)
    await file.write(frame)
  }
  await file.close()
  return path
}

const readBack = async (path: string) => {
  const decoded = await openDecoded(path)
  const pieces: number[] = []
  for await (const piece of decoded.pcm())
    for (let i = 0; i < piece.length; i += decoded.channels) pieces.push(piece[i]!)
  await decoded.close()
  return { info: decoded.info, warning: decoded.warning(), samples: Int16Array.from(pieces) }
}

describe('sound file', () => {
  it.each([1, 2] as const)(
    'writes Opus of %i channels that is as long as it was, to the sample, and in its place',
    async (channels) => {
      const { info, warning, samples } = await readBack(await written(`sound-${channels}.opus`, channels))
      expect(info).toMatchObject({ format: 'opus', channels, durationMs: frames * 10 })
      expect(warning).toBeUndefined()
      expect(samples.length).toBe(frames * 480)
      for (const click of clicks) {
        const near = samples.subarray(click - 480, click + 480)
        const loudest = near.reduce((best, sample, i) => (Math.abs(sample) > Math.abs(near[best]!) ? i : best), 0)
        expect(Math.abs(loudest - 480 - 12)).toBeLessThan(24)
      }
      const tone = Int16Array.from({ length: 48_000 }, (_, i) => sampleAt(200_000 + i))
      expect(Math.abs(levelDb(samples.subarray(200_000, 248_000)) - levelDb(tone))).toBeLessThan(0.5)
    },
  )

  it('writes WAV bit by bit', async () => {
    const { info, samples } = await readBack(await written('sound.wav', 1))
    expect(info).toMatchObject({ format: 'wav', durationMs: frames * 10 })
    expect(samples).toEqual(Int16Array.from({ length: frames * 480 }, (_, i) => sampleAt(i)))
  })

  it('writes an empty file that can be read', async () => {
    const path = join(folder, 'empty.opus')
    await (await createSoundFile(path, { channels: 1 })).close()
    expect((await readBack(path)).samples.length).toBe(0)
  })

  it('leaves nothing where it was given up, and refuses names and folders in a sentence', async () => {
    await (await createSoundFile(join(folder, 'given-up.opus'), { channels: 1 })).abandon()
    expect(readdirSync(folder).filter((name) => name.includes('given-up'))).toEqual([])
    await expect(createSoundFile(join(folder, 'a.mp3'), { channels: 1 })).rejects.toMatchObject({ code: 'bad-input' })
    await expect(createSoundFile(join(folder, 'no', 'a.wav'), { channels: 1 })).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})
