import { execFile, spawnSync } from 'node:child_process'
import {
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOpusEncoder } from '../../../src/audio/opus.ts'
import { oggOpus } from '../../support/ogg-bytes.ts'
import { sine } from '../../support/signals.ts'
import { wavBytes } from '../../support/wav-bytes.ts'

const HOUR_S = 3600
const folder = mkdtempSync(join(tmpdir(), 'roomtone-long-'))
const child = join(folder, 'child.mjs')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(async () => {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  symlinkSync(here('../../../node_modules'), join(folder, 'node_modules'))
  await build({
    entryPoints: [here('../../support/play-long-file.ts')],
    outfile: child,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
})

type Played = { openMs: number; frames: number; peakBytes: number; warning?: string; info: { durationMs: number } }

/** In a process of its own, so that memory is the decoder's and not the test runner's. */
const play = async (path: string, endMs: number): Promise<{ idleBytes: number; start: Played; end: Played }> => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, path, String(endMs)], {
    timeout: 55_000,
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

/** An hour of a tone: one second is encoded and repeated. */
const makeOpus = async (path: string) => {
  const encoder = await createOpusEncoder({ channels: 2, bitrate: 64_000 })
  const tone = sine({ hz: 440, ms: 1000, channels: 2 })
  const second = Array.from({ length: 50 }, (_, i) => encoder.encode(tone.subarray(i * 1920, (i + 1) * 1920)))
  encoder.close()
  writeFileSync(path, oggOpus(Array(HOUR_S).fill(second), { channels: 2 }))
}

/** An hour of silence that takes no room on the disk. */
const makeWav = async (path: string) => {
  const bytes = HOUR_S * 48_000 * 4
  writeFileSync(path, wavBytes(Buffer.alloc(0), { channels: 2, declaredBytes: bytes }))
  truncateSync(path, 44 + bytes)
}

/** The fixture's frames without the tag that says they are three seconds, over and over. */
const makeMp3 = async (path: string) => {
  const fixture = readFileSync(new URL('../../support/fixtures/tone.mp3', import.meta.url))
  const infoAt = fixture.indexOf('Info')
  const frames = fixture.subarray(fixture.indexOf(Buffer.of(0xff, 0xfb), infoAt))
  const file = openSync(path, 'w')
  // 116 frames of 1152 samples at 44.1 kHz are a little more than the three seconds of the tone.
  for (let i = 0; i < Math.round((HOUR_S * 44_100) / (116 * 1152)); i++) writeSync(file, frames)
}

const ffmpeg =
  (...codec: string[]) =>
  async (path: string) => {
    const input = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=44100:duration=${HOUR_S / 4}`, '-ac', '2']
    const result = spawnSync('ffmpeg', ['-loglevel', 'error', ...input, ...codec, path], { encoding: 'utf8' })
    expect(result.stderr).toBe('')
  }

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0

describe.each([
  { format: 'opus', seconds: HOUR_S, make: makeOpus, needsFfmpeg: false },
  { format: 'wav', seconds: HOUR_S, make: makeWav, needsFfmpeg: false },
  { format: 'mp3', seconds: HOUR_S, make: makeMp3, needsFfmpeg: false },
  { format: 'flac', seconds: HOUR_S / 4, make: ffmpeg('-c:a', 'flac', '-f', 'flac'), needsFfmpeg: true },
  { format: 'vorbis', seconds: HOUR_S / 4, make: ffmpeg('-c:a', 'libvorbis', '-f', 'ogg'), needsFfmpeg: true },
])('$format of $seconds s', ({ format, seconds, make, needsFfmpeg }) => {
  it.skipIf(needsFfmpeg && !hasFfmpeg)('adds under 100 MB and opens within a second anywhere', async () => {
    const path = join(folder, `long.${format}`)
    await make(path)
    const endMs = (seconds - 60) * 1000
    const { idleBytes, start, end } = await play(path, endMs)
    rmSync(path)
    expect(Math.abs(start.info.durationMs / 1000 - seconds)).toBeLessThan(4)
    expect(start.frames).toBe(12_000)
    expect(Math.abs(end.frames - 6000)).toBeLessThan(200)
    expect(end.warning).toBeUndefined()
    const addedMb = (Math.max(start.peakBytes, end.peakBytes) - idleBytes) / 2 ** 20
    console.log(
      `${format}: +${addedMb.toFixed(0)} MB, open ${start.openMs.toFixed(0)} ms, seek ${end.openMs.toFixed(0)} ms`,
    )
    expect(addedMb).toBeLessThan(100)
    // The decoder's own compilation and the first two seconds of sound are in here too.
    expect(end.openMs).toBeLessThan(1000)
  })
})
