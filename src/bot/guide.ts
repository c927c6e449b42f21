import { rm } from 'node:fs/promises'
import { decodeWhole } from '../audio/files/decode.ts'
import { SAMPLE_RATE } from '../audio/frame.ts'
import { gainOfDb } from '../audio/level.ts'
import { createWavSink } from '../audio/sinks/file.ts'
import { strikeBell } from './sound/bell.ts'
import { type SpeakOptions, speak } from './speech.ts'

type Cue = { bell: true } | { say: string } | { silenceMs: number }

const script: Cue[] = [
  { bell: true },
  { silenceMs: 3500 },
  { say: 'Welcome. This is a short guided pause. There is nothing to do, but to listen.' },
  { silenceMs: 2500 },
  { say: 'Sit in a way that is easy to keep. Let your shoulders sink. Let your hands rest.' },
  { silenceMs: 3000 },
  { say: 'Breathe in, slowly, through the nose.' },
  { silenceMs: 3000 },
  { say: 'And breathe out. A little longer than you breathed in.' },
  { silenceMs: 4000 },
  { say: 'Once more. In.' },
  { silenceMs: 3500 },
  { say: 'And out.' },
  { silenceMs: 5000 },
  { say: 'Thoughts will come. Let them pass, like people walking by an open door.' },
  { silenceMs: 6000 },
  { say: 'When you are ready, come back to the room. Thank you for sitting with us.' },
  { silenceMs: 2500 },
  { bell: true },
  { silenceMs: 7000 },
]

const VOICE_DB = -3
const BELL_DB = -14
const AMBIENCE_RMS_DB = -40

/**
 * Makes the guide that the demo plays: a spoken voice, a bell at both ends and an ambience that never stops, about 75 s
 * of mono 48 kHz in a WAV file. Text, bell and ambience are the project's own; the voice is flite's.
 */
export const makeGuide = async (
  file: string,
  { entry, folder }: Pick<SpeakOptions, 'entry' | 'folder'>,
): Promise<void> => {
  const lines = script.flatMap((cue) => ('say' in cue ? [cue.say] : []))
  const spoken = await speak(lines, { folder, entry })
  const voices = await Promise.all(spoken.map((path) => decodeWhole(path, { channels: 1 })))
  await Promise.all(spoken.map((path) => rm(path, { force: true })))
  const wav = await createWavSink(file)
  wav.write(mixGuide(voices))
  await wav.close()
}

/** Lays the script out in time and adds the ambience; `voices` are the spoken lines in order, 48 kHz mono. */
const mixGuide = (voices: Int16Array[]): Int16Array => {
  const queue = [...voices]
  const placed: { at: number; samples: Int16Array; gain: number }[] = []
  let at = 0
  for (const cue of script) {
    if ('silenceMs' in cue) at += samplesIn(cue.silenceMs)
    else if ('bell' in cue) placed.push({ at, samples: strikeBell(), gain: gainOfDb(BELL_DB) })
    else {
      const samples = queue.shift()!
      placed.push({ at, samples, gain: gainOfDb(VOICE_DB) })
      at += samples.length
    }
  }
  const mix = ambience(at)
  for (const { at: start, samples, gain } of placed) {
    const end = Math.min(mix.length, start + samples.length)
    for (let i = start; i < end; i++) mix[i]! += samples[i - start]! * gain
  }
  return Int16Array.from(mix, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample))))
}

const samplesIn = (ms: number) => Math.round((ms * SAMPLE_RATE) / 1000)

/** Low noise that swells about every twelve seconds, like wind far off; the same each time. */
const ambience = (length: number): Float32Array => {
  const noise = new Float32Array(length)
  let seed = 1
  let low = 0
  let lower = 0
  let power = 0
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    low += 0.05 * (seed / 0x80000000 - 1 - low)
    lower += 0.05 * (low - lower)
    const swell = 0.75 + 0.25 * Math.sin((2 * Math.PI * i) / (12 * SAMPLE_RATE))
    noise[i] = lower * swell
    power += noise[i]! ** 2
  }
  const gain = (32768 * gainOfDb(AMBIENCE_RMS_DB)) / Math.sqrt(power / length)
  for (let i = 0; i < length; i++) noise[i]! *= gain
  return noise
}
