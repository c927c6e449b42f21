import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLoudnessMeter, gainFor } from '../../../src/audio/loudness.ts'
import { measure as measureFile } from '../../../src/bot/sound/measure.ts'
import { sine } from '../../support/signals.ts'
import { wavBytes } from '../../support/wav-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-loudness-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Levels in these cases are peak dBFS of a stereo sine, as EBU Tech 3341 gives them. */
const tone = (peakDb: number, seconds: number, hz = 1000) =>
  sine({ hz, ms: seconds * 1000, levelDb: peakDb - 3.0103, channels: 2 })

const measure = (...parts: Int16Array[]) => {
  const meter = createLoudnessMeter({ channels: 2 })
  for (const part of parts) for (let at = 0; at < part.length; at += 960) meter.push(part.subarray(at, at + 960))
  return meter.result()
}

describe('integrated loudness (EBU Tech 3341, table 1)', () => {
  it('case 1: -23 dBFS is -23 LUFS', () => {
    expect(Math.abs(measure(tone(-23, 20)).integratedLufs + 23)).toBeLessThan(0.1)
  })

  it('case 2: -33 dBFS is -33 LUFS', () => {
    expect(Math.abs(measure(tone(-33, 20)).integratedLufs + 33)).toBeLessThan(0.1)
  })

  it('case 3: what is far below is gated', () => {
    const result = measure(tone(-36, 10), tone(-23, 60), tone(-36, 10))
    expect(Math.abs(result.integratedLufs + 23)).toBeLessThan(0.1)
  })

  it('case 4: near silence is gated too', () => {
    const result = measure(tone(-72, 10), tone(-36, 10), tone(-23, 60), tone(-36, 10), tone(-72, 10))
    expect(Math.abs(result.integratedLufs + 23)).toBeLessThan(0.1)
  })

  it('case 5: within the relative gate all counts', () => {
    const result = measure(tone(-26, 20), tone(-20, 20.1), tone(-26, 20))
    expect(Math.abs(result.integratedLufs + 23)).toBeLessThan(0.1)
  })

  it('is -Infinity for silence', () => {
    expect(measure(new Int16Array(96_000 * 2))).toEqual({
      integratedLufs: Number.NEGATIVE_INFINITY,
      truePeakDb: Number.NEGATIVE_INFINITY,
    })
  })
})

describe('true peak', () => {
  it('finds the crest between the samples (EBU Tech 3341, cases 15 and 16)', () => {
    // A quarter of the sample rate at 45 degrees: all samples lie 3 dB below the crest.
    const samples = Int16Array.from({ length: 96_000 }, (_, i) =>
      Math.round(16_384 * Math.sin((Math.PI / 2) * Math.floor(i / 2) + Math.PI / 4)),
    )
    const { truePeakDb } = measure(samples)
    expect(truePeakDb).toBeGreaterThan(-6.02 - 0.4)
    expect(truePeakDb).toBeLessThan(-6.02 + 0.2)
  })

  it('is the crest of a slow sine', () => {
    expect(measure(tone(-6, 1, 100)).truePeakDb).toBeCloseTo(-6, 1)
  })
})

describe('gain', () => {
  it('brings a sound to the target', () => {
    expect(gainFor({ integratedLufs: -23, truePeakDb: -20 })).toBe(5)
    expect(gainFor({ integratedLufs: -10, truePeakDb: 0 })).toBe(-8)
  })

  it('stops where the peaks would go too far', () => {
    expect(gainFor({ integratedLufs: -30, truePeakDb: -6 })).toBe(4.5)
    expect(gainFor({ integratedLufs: -30, truePeakDb: -20 }, { targetLufs: -14, maxPeakDb: -1 })).toBe(16)
  })

  it('leaves silence alone', () => {
    expect(gainFor({ integratedLufs: Number.NEGATIVE_INFINITY, truePeakDb: -90 })).toBe(0)
  })
})

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0

describe('against ffmpeg', () => {
  it.skipIf(!hasFfmpeg)('agrees within 0.2 LU and 0.2 dB on something like speech', async () => {
    let seed = 3
    let breath = 0
    const noise = () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      // Like a voice, not white: near the Nyquist frequency every interpolator differs.
      breath += 0.25 * (seed / 2 ** 31 - 1 - breath)
      return breath
    }
    const samples = Int16Array.from({ length: 48_000 * 2 * 20 }, (_, i) => {
      const seconds = i / 96_000
      const syllable = Math.max(0, Math.sin(2 * Math.PI * 2.3 * seconds)) * (Math.floor(seconds / 3) % 2 ? 0.05 : 0.6)
      return Math.round(32_767 * syllable * (0.5 * noise() + 0.4 * Math.sin(2 * Math.PI * 180 * seconds)))
    })
    const path = join(folder, 'speech.wav')
    writeFileSync(path, wavBytes(Buffer.from(samples.buffer), { channels: 2 }))
    const ours = await measureFile(path)
    const theirs = ebur128(path)
    expect(Math.abs(ours.lufs! - theirs.integratedLufs)).toBeLessThan(0.2)
    expect(Math.abs(ours.truePeakDb! - theirs.truePeakDb)).toBeLessThan(0.2)
  })

  it.skipIf(!hasFfmpeg)('agrees on a coded file of another rate', async () => {
    const path = new URL('../../support/fixtures/tone.mp3', import.meta.url).pathname
    expect(Math.abs((await measureFile(path)).lufs! - ebur128(path).integratedLufs)).toBeLessThan(0.2)
  })
})

const ebur128 = (path: string) => {
  const filter = ['-hide_banner', '-nostats', '-i', path, '-af', 'ebur128=peak=true', '-f', 'null', '-']
  const report = execFileSync('sh', ['-c', 'exec ffmpeg "$@" 2>&1', 'sh', ...filter], { encoding: 'utf8' })
  const summary = report.slice(report.lastIndexOf('Summary:'))
  return {
    integratedLufs: Number(/I:\s+(-?[\d.]+) LUFS/.exec(summary)?.[1]),
    truePeakDb: Number(/Peak:\s+(-?[\d.]+) dBFS/.exec(summary)?.[1]),
  }
}
