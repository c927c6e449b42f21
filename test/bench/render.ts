import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createSoundFile } from '../../src/audio/files/sound-file.ts'
import { createFrame } from '../../src/audio/frame.ts'
import { prepare } from '../../src/bot/program/prepare.ts'
import { renderProgram } from '../../src/bot/program/render.ts'
import { loadScript } from '../../src/bot/script/load.ts'
import { createSounds } from '../../src/bot/sound/sounds.ts'
import type { Bench } from './run.ts'

/** How fast a session is written to Opus, in mono and in stereo over a bed; and what eight hours of a playlist keep in memory. */
export const run: Bench = async (print, { short, only }) => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-render-bench-'))
  try {
    for (const [name, seconds, channels] of [
      ['voice', 300, 1],
      ['song', 180, 2],
      ['other', 140, 2],
      ['rain', 60, 2],
    ] as const)
      await writeNoise(join(folder, `${name}.opus`), seconds, channels)
    // Quick to decode, so that eight hours are minutes.
    for (const name of ['song', 'other']) await writeNoise(join(folder, `${name}.wav`), 180, 2)
    if (only !== 'memory') await speeds(print, folder, short)
    if (only !== 'speed') await memory(print, folder, short)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const speeds = async (print: (line: string) => void, folder: string, short: boolean) => {
  print('| program | length | made in | times real time | CPU of it |')
  print('|---|---|---|---|---|')
  const cases = {
    'mono: a voice, bells, silences': `session: mono\nroom: {title: Mono}\ncues:\n  - {at: 0:00, bell: 3}\n  - {at: 0:30, play: voice.opus}\n  - {silence: 5m}\n  - {play: voice.opus}\n  - {every: 1m, from: 1:00, bell: 1}\nend: 20:00\n`,
    'stereo: songs and bells over a bed': `session: stereo\nroom: {title: Stereo, sound: music}\nbeds: {rain: {file: rain.opus, loop: 4s, duck: 6dB}}\ncues:\n  - {at: 0:00, bed: rain, fade: 4s}\n  - {at: 0:10, play: [song.opus, other.opus], loop: true, crossfade: 5s, for: 18m}\n  - {every: 1m, from: 1:00, bell: 1}\nend: 20:00\n`,
  }
  for (const [name, text] of Object.entries(cases)) {
    const out = join(folder, 'out.opus')
    const { lengthMs, ms, cpuMs } = await renderText(
      folder,
      text,
      async (channels) => createSoundFile(out, { channels }),
      short ? 120_000 : undefined,
    )
    const cells = [name, `${lengthMs / 1000} s`, `${(ms / 1000).toFixed(2)} s`, (lengthMs / ms).toFixed(0)]
    print(`| ${[...cells, `${(cpuMs / 1000).toFixed(2)} s`].join(' | ')} |`)
  }
}

const HOUR_MS = 3_600_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const memory = async (print: (line: string) => void, folder: string, short: boolean) => {
  const hours = short ? 0.2 : 8
  const text = `session: list\nroom: {title: List, sound: music}\ncues:\n  - {play: [song.wav, other.wav], order: shuffle, loop: true, crossfade: 4s, for: ${hours * 60}m}\n`
  print(
    `\nA playlist of ${hours} hours, by a simulated clock:\n\n| hour | heap, MB | buffers, MB | resident, MB |\n|---|---|---|---|`,
  )
  let frames = 0
  const look = (): undefined => {
    if (frames++ % (HOUR_MS / 10 / (short ? 20 : 1)) !== 0) return
    collectGarbage()
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
    const cells = [heapUsed, arrayBuffers, rss].map((bytes) => (bytes / 1e6).toFixed(1))
    print(`| ${[((frames - 1) * 10) / HOUR_MS, ...cells].join(' | ')} |`)
  }
  await renderText(folder, text, async () => ({ write: look, close: async () => {} }))
}

type Sink = { write(frame: Int16Array): Promise<void> | undefined; close(): Promise<void> }

const renderText = async (
  folder: string,
  text: string,
  openSink: (channels: 1 | 2) => Promise<Sink>,
  toMs?: number,
): Promise<{ lengthMs: number; ms: number; cpuMs: number }> => {
  const path = join(folder, 'bench.session.yaml')
  writeFileSync(path, text)
  const script = await loadScript(path)
  const sounds = createSounds({ cacheFolder: join(folder, 'cache'), speech: script.speech })
  const { plan, problems } = await prepare(script, sounds, 'bench')
  if (problems.length > 0) throw new Error(problems[0]!.message)
  const sink = await openSink(plan.channels)
  const began = performance.now()
  const cpu = process.cpuUsage()
  const lengthMs = await renderProgram({ plan, open: sounds.open, onEvent: () => {}, write: sink.write, toMs })
  await sink.close()
  const { user, system } = process.cpuUsage(cpu)
  await sounds.close()
  return { lengthMs, ms: performance.now() - began, cpuMs: (user + system) / 1000 }
}

/** Coloured noise that swells: as hard to encode as music. */
const writeNoise = async (path: string, seconds: number, channels: 1 | 2) => {
  const file = await createSoundFile(path, { channels })
  const frame = createFrame(channels)
  let low = 0
  for (let n = 0; n < seconds * 100; n++) {
    for (let i = 0; i < frame.length; i++) {
      low += 0.1 * (Math.random() * 2 - 1 - low)
      frame[i] = 16_000 * low * (0.6 + 0.4 * Math.sin(n / 40)) + 4000 * Math.sin(((n * 480 + i) * (n >> 6)) / 200)
    }
    await file.write(frame)
  }
  await file.close()
}
