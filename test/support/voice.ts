import { fileURLToPath } from 'node:url'
import { openAudioFile } from '../../src/audio/files/open.ts'
import { createFrame } from '../../src/audio/frame.ts'
import { eventually } from './eventually.ts'

const FILE = fileURLToPath(new URL('./fixtures/speech.opus', import.meta.url))

/** Two sentences with a second between them, spoken by flite (voices slt and rms), mono, 48 kHz. */
export const readSpeech = async (): Promise<Int16Array> => {
  const source = await openAudioFile(FILE)
  const frame = createFrame(source.channels)
  const samples: number[] = []
  const takeOne = () => {
    const result = source.read(frame)
    if (result === 'frame') samples.push(...frame)
    return result
  }
  await eventually(
    () => {
      for (let result = takeOne(); result !== 'starved'; result = takeOne()) if (result === 'ended') return true
    },
    { withinMs: 10_000, what: 'the speech is decoded', everyMs: 1 },
  )
  await source.close()
  return Int16Array.from(samples)
}

/** What a fan makes: a hum at 100 and 200 Hz and a rumble, the same at each call, at that RMS level. */
export const fanNoise = (length: number, levelDb: number): Int16Array => {
  let seed = 1
  let rumble = 0
  const raw = Float64Array.from({ length }, (_, i) => {
    seed = (seed * 16807) % 2147483647
    rumble = 0.98 * rumble + seed / 1073741823.5 - 1
    const t = (2 * Math.PI * i) / 48_000
    return rumble + 2 * Math.sin(100 * t) + Math.sin(200 * t)
  })
  const rms = Math.sqrt(raw.reduce((sum, each) => sum + each * each, 0) / length)
  return Int16Array.from(raw, (each) => Math.round((each * 32768 * 10 ** (levelDb / 20)) / rms))
}
