import { readFileSync } from 'node:fs'
import { createEar } from '../../src/audio/ear.ts'
import { FRAME_MS, FRAME_SAMPLES } from '../../src/audio/frame.ts'
import { levelDb } from '../../src/audio/level.ts'

const AUDIBLE_DB = -45

/** Mono samples of a WAV file that roomtone wrote (16 bits, 48 kHz, a header of 44 bytes). */
export const readWav = (path: string): Int16Array => {
  const bytes = readFileSync(path)
  return samplesOf(bytes.subarray(44, 44 + bytes.readUInt32LE(40)))
}

/** Of what `readWav` gives of a file in stereo. */
export const sideOf = (samples: Int16Array, side: 0 | 1): Int16Array => samples.filter((_, i) => i % 2 === side)

/** Level and strongest frequency of each whole second from the first sound on. */
export const secondsOf = (samples: Int16Array): { levelDb: number; hz: number }[] => {
  const first = frames(samples).findIndex((frame) => levelDb(frame) > AUDIBLE_DB)
  if (first < 0) return []
  // The frame after it: the first may begin in silence.
  const part = samples.subarray((first + 1) * FRAME_SAMPLES)
  return Array.from({ length: Math.floor(part.length / 48_000) }, (_, second) => {
    const piece = part.subarray(second * 48_000, (second + 1) * 48_000)
    const ear = createEar()
    for (const [index, frame] of frames(piece).entries()) ear.push(frame, 1, index * FRAME_MS)
    return { levelDb: levelDb(piece), hz: ear.report().frequencyHz }
  })
}

export type SoundWatch = {
  /** Takes raw PCM (s16le, 48 kHz, mono) as it comes. */
  push(chunk: Buffer): void
  /** Milliseconds from `fromMs` (performance.now) to the first sound after it; undefined when there was none yet. */
  soundAfter(fromMs: number): number | undefined
  /** From `fromMs` to the last sound before a silence of `forMs` up to now; undefined while it sounds. */
  silenceAfter(fromMs: number, forMs?: number): number | undefined
  /** Strongest frequency since `fromMs`. */
  hzSince(fromMs: number): number
}

/** Notes when what came in was audible, by the time of its coming. */
export const watchSound = (): SoundWatch => {
  const heard: { atMs: number; isAudible: boolean; frame: Int16Array }[] = []
  let rest = Buffer.alloc(0)
  return {
    push: (chunk) => {
      const bytes = Buffer.concat([rest, chunk])
      const samples = samplesOf(bytes)
      const whole = frames(samples)
      rest = bytes.subarray(whole.length * FRAME_SAMPLES * 2)
      const atMs = performance.now()
      for (const frame of whole) heard.push({ atMs, isAudible: levelDb(frame) > AUDIBLE_DB, frame })
    },
    soundAfter: (fromMs) => {
      const first = heard.find(({ atMs, isAudible }) => isAudible && atMs >= fromMs)
      return first && first.atMs - fromMs
    },
    silenceAfter: (fromMs, forMs = 500) => {
      const last = heard.findLast(({ isAudible }) => isAudible)?.atMs ?? fromMs
      const isSilentNow = (heard.at(-1)?.atMs ?? 0) - last > forMs
      return isSilentNow ? Math.max(0, last - fromMs) : undefined
    },
    hzSince: (fromMs) => {
      const ear = createEar()
      for (const [index, { frame, atMs }] of heard.entries()) if (atMs >= fromMs) ear.push(frame, 1, index * FRAME_MS)
      return ear.report().frequencyHz
    },
  }
}

const frames = (samples: Int16Array): Int16Array[] =>
  Array.from({ length: Math.floor(samples.length / FRAME_SAMPLES) }, (_, i) =>
    samples.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES),
  )

const samplesOf = (bytes: Buffer): Int16Array =>
  Int16Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(i * 2))
