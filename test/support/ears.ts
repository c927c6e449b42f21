import { createEar } from '../../src/audio/ear.ts'
import { type AudioSink, FRAME_MS, FRAME_SAMPLES } from '../../src/audio/frame.ts'
import { levelDb } from '../../src/audio/level.ts'

const AUDIBLE_DB = -45
/** A speaker is given something every 10 ms, be it silence, late on a busy machine: no more for so long is a gap itself. */
const STOPPED_MS = 1_000

/** What was heard within a stretch of time: strongest frequency and level of what was audible, and the longest time without. */
export type HeardBetween = { hz: number; levelDb: number; seconds: number; longestGapMs: number }

/** Keeps what a speaker was given, each 10 ms with the time (performance.now) of its coming. */
export type Ears = {
  sink: AudioSink
  /** Raw PCM (s16le, 48 kHz, mono) as it comes. */
  push(chunk: Buffer): void
  between(fromMs: number, untilMs?: number): HeardBetween
}

export const openEars = (): Ears => {
  const heard: { atMs: number; isAudible: boolean; frame: Int16Array }[] = []
  let rest = Buffer.alloc(0)
  const keep = (frame: Int16Array) =>
    heard.push({ atMs: performance.now(), isAudible: levelDb(frame) > AUDIBLE_DB, frame })
  return {
    sink: { channels: 1, write: (frame) => void keep(frame.slice()), close: async () => {} },
    push: (chunk) => {
      const bytes = Buffer.concat([rest, chunk])
      const size = FRAME_SAMPLES * 2
      const whole = Math.floor(bytes.length / size)
      for (let i = 0; i < whole; i++)
        keep(Int16Array.from({ length: FRAME_SAMPLES }, (_, at) => bytes.readInt16LE(i * size + 2 * at)))
      rest = bytes.subarray(whole * size)
    },
    between: (fromMs, untilMs = performance.now()) => {
      const ear = createEar()
      let lastMs = fromMs
      let gapMs = 0
      let longestGapMs = 0
      for (const [index, { atMs, isAudible, frame }] of heard.entries()) {
        if (atMs < fromMs || atMs > untilMs) continue
        ear.push(frame, 1, index * FRAME_MS)
        const stoppedMs = atMs - lastMs > STOPPED_MS ? atMs - lastMs : 0
        gapMs = (isAudible && stoppedMs === 0 ? 0 : gapMs) + stoppedMs + (isAudible ? 0 : FRAME_MS)
        longestGapMs = Math.max(longestGapMs, gapMs)
        if (isAudible) gapMs = 0
        lastMs = atMs
      }
      const { frequencyHz, levelDb: level, seconds } = ear.report()
      return {
        hz: Math.round(frequencyHz * 10) / 10,
        levelDb: Math.round(level * 10) / 10,
        seconds,
        longestGapMs: Math.round(longestGapMs),
      }
    },
  }
}
