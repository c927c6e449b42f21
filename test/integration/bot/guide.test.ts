import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { decodeAudio } from '../../../src/audio/files/decode.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { makeGuide } from '../../../src/bot/guide.ts'
import { speak } from '../../../src/bot/speech.ts'

const folder = await mkdtemp(join(tmpdir(), 'roomtone-guide-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

it('makes a guide of voice, bell and an ambience that never stops', async () => {
  const file = join(folder, 'guide.wav')
  await makeGuide(file, { folder })
  const seconds: number[] = []
  let rest = new Int16Array(0)
  for await (const piece of decodeAudio(file)) {
    rest = Int16Array.from([...rest, ...piece])
    for (; rest.length >= 48_000; rest = rest.slice(48_000)) seconds.push(levelDb(rest.subarray(0, 48_000)))
  }
  expect(seconds.length).toBeGreaterThan(60)
  expect(seconds.length).toBeLessThan(100)
  expect(Math.min(...seconds)).toBeGreaterThan(-50)
  // The bell opens it, and the voice stands well above the ambience.
  expect(seconds[0]).toBeGreaterThan(-30)
  expect(seconds.filter((level) => level > -25).length).toBeGreaterThan(15)
})

it('tells in one sentence when speech cannot be rendered', async () => {
  await expect(speak(['hello'], { folder: join(folder, 'nowhere') })).rejects.toMatchObject({
    code: 'speech-failed',
    message: expect.stringMatching(/^speech failed: /),
  })
})
