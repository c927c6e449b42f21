import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { BELL_FACTS, strikeBell } from '../../../../src/bot/sound/bell.ts'
import { createFileFacts, gainDbOf } from '../../../../src/bot/sound/facts.ts'
import { measure } from '../../../../src/bot/sound/measure.ts'
import { sine } from '../../../support/signals.ts'
import { wavBytes } from '../../../support/wav-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-facts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tone = sine({ hz: 1000, ms: 2000, levelDb: -20 })
const file = join(folder, 'the_tone.wav')
let cacheFolder: string
let measured: string[]
beforeEach(() => {
  writeFileSync(file, wavBytes(Buffer.from(tone.buffer)))
  cacheFolder = mkdtempSync(join(folder, 'cache-'))
  measured = []
})

/** A process of its own, as far as the cache goes. */
const facts = () =>
  createFileFacts({
    cacheFolder,
    measure: (path) => {
      measured.push(path)
      return measure(path)
    },
  })

describe('facts of a file', () => {
  it('are its loudness, its exact length and a title', async () => {
    const found = await facts().of(file)
    expect(found).toMatchObject({ durationMs: 2000, channels: 1, title: 'the tone', artist: null, warning: null })
    // A sine of 1 kHz at -20 dBFS RMS measures -20 LUFS but for the filter's 0.0 dB there and the offset of -0.691.
    expect(found.lufs).toBeCloseTo(-20, 0)
    expect(found.truePeakDb).toBeCloseTo(-17, 0)
  })

  it('are measured once, also for other processes, copies and new dates', async () => {
    const first = await facts().of(file)
    const copy = join(folder, 'copy.wav')
    copyFileSync(file, copy)
    utimesSync(file, 1000, 1000)
    expect(await facts().of(file)).toEqual(first)
    expect(await facts().of(copy)).toEqual({ ...first, title: 'copy' })
    expect(measured).toEqual([file])
  })

  it('are measured anew when the file has changed', async () => {
    const one = facts()
    await one.of(file)
    writeFileSync(file, wavBytes(Buffer.from(sine({ hz: 1000, ms: 1000, levelDb: -26 }).buffer)))
    const found = await one.of(file)
    expect(found.durationMs).toBe(1000)
    expect(found.lufs).toBeCloseTo(-26, 0)
  })

  it('outlive a cache that is corrupt or cannot be written', async () => {
    const first = await facts().of(file)
    const rubbish = ['', '{', 'null', '[]', '{"version":1}', JSON.stringify({ version: 1, durationMs: 'x' })]
    for (const text of rubbish) {
      for (const name of readdirSync(cacheFolder)) writeFileSync(join(cacheFolder, name), text)
      expect(await facts().of(file)).toEqual(first)
    }
    expect(measured).toHaveLength(rubbish.length + 1)
    cacheFolder = file
    expect(await facts().of(file)).toEqual(first)
  })

  it('leave no half-written file behind', async () => {
    await Promise.all([facts().of(file), facts().of(file), facts().of(file)])
    const names = readdirSync(cacheFolder)
    expect(names.every((name) => /^[0-9a-f]{40}\.json$/.test(name))).toBe(true)
    for (const name of names) expect(() => JSON.parse(readFileSync(join(cacheFolder, name), 'utf8'))).not.toThrow()
  })

  it('say in a sentence what cannot be played, each time', async () => {
    const one = facts()
    for (let round = 0; round < 2; round++) {
      await expect(one.of(join(folder, 'gone.mp3'))).rejects.toMatchObject({ code: 'not-found' })
      writeFileSync(join(folder, 'text.mp3'), 'no sound at all')
      await expect(one.of(join(folder, 'text.mp3'))).rejects.toMatchObject({ code: 'not-audio' })
    }
  })

  it('carry what is wrong with the file, by the name it has now', async () => {
    const cut = join(folder, 'cut.wav')
    writeFileSync(cut, readFileSync(file).subarray(0, 100_000))
    expect((await facts().of(cut)).warning).toBe(`${cut} is truncated: 92044 bytes are missing.`)
    const other = join(folder, 'other.wav')
    copyFileSync(cut, other)
    expect((await facts().of(other)).warning).toBe(`${other} is truncated: 92044 bytes are missing.`)
  })
})

describe('the gain', () => {
  const quiet = { lufs: -30, truePeakDb: -20, channels: 1 } as const

  it('brings voice to -18 LUFS and a bed to -32', () => {
    expect(gainDbOf(quiet, { layer: 'voice', channels: 1 })).toBeCloseTo(12)
    expect(gainDbOf(quiet, { layer: 'bed', channels: 1 })).toBeCloseTo(-2)
  })

  it('counts that one channel is louder on two sides, and keeps peaks below -1.5 dBTP', () => {
    expect(gainDbOf(quiet, { layer: 'voice', channels: 2 })).toBeCloseTo(8.99, 2)
    expect(gainDbOf({ ...quiet, truePeakDb: -5 }, { layer: 'voice', channels: 1 })).toBeCloseTo(3.5)
    expect(gainDbOf({ lufs: null, truePeakDb: null, channels: 1 }, { layer: 'voice', channels: 1 })).toBe(0)
  })
})

describe('the bell that ships', () => {
  it('is as loud and as long as is known of it before any measurement', async () => {
    const stroke = join(folder, 'bell.wav')
    writeFileSync(stroke, wavBytes(Buffer.from(strikeBell().buffer)))
    const found = await facts().of(stroke)
    expect(found).toMatchObject({ durationMs: BELL_FACTS.durationMs, channels: BELL_FACTS.channels })
    expect(found.lufs).toBeCloseTo(BELL_FACTS.lufs, 3)
    expect(found.truePeakDb).toBeCloseTo(BELL_FACTS.truePeakDb, 3)
  })
})
