import { createEar } from '../../src/audio/ear.ts'
import { type AudioSink, FRAME_MS, FRAME_SAMPLES } from '../../src/audio/frame.ts'
import { levelDb } from '../../src/audio/level.ts'

const AUDIBLE_DB = -45
/** Sound may come late on a busy machine without a gap in it; where none came for longer, the time without is the gap. */
const STALL_MS = 1_000

/**
 * What was heard within a stretch of time: strongest frequency, level and seconds of what was audible, of how much the
 * speaker was given, and the longest time without.
 */
export type HeardBetween = { hz: number; levelDb: number; seconds: number; givenSeconds: number; longestGapMs: number }

/** Keeps what a speaker was given, each 10 ms with the time (performance.now) of its coming. */
export type Ears = {
  sink: AudioSink
  /** Raw PCM (s16le, 48 kHz, mono) as it comes. */
  push(chunk: Buffer): void
  between(fromMs: number, untilMs?: number): HeardBetween
  /** Seconds of audible sound since then. */
  secondsSince(fromMs: number): number
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
        keep(new Int16Array(new Uint8Array(bytes.subarray(i * size, (i + 1) * size)).buffer))
      rest = bytes.subarray(whole * size)
    },
    secondsSince: (fromMs) => {
      let frames = 0
      for (let i = heard.length - 1; i >= 0 && heard[i]!.atMs >= fromMs; i--) if (heard[i]!.isAudible) frames++
      return (frames * FRAME_MS) / 1_000
    },
    between: (fromMs, untilMs = performance.now()) => {
      const ear = createEar()
      let given = 0
      let soundMs = fromMs
      let silentMs = 0
      let longestGapMs = 0
      const closeGap = (atMs: number) => {
        const gapMs = atMs - soundMs > STALL_MS ? atMs - soundMs : silentMs
        longestGapMs = Math.max(longestGapMs, gapMs)
      }
      for (const [index, { atMs, isAudible, frame }] of heard.entries()) {
        if (atMs < fromMs || atMs > untilMs) continue
        given++
        ear.push(frame, 1, index * FRAME_MS)
        silentMs += isAudible ? 0 : FRAME_MS
        if (!isAudible) continue
        closeGap(atMs)
        soundMs = atMs
        silentMs = 0
      }
      closeGap(untilMs)
      const { frequencyHz, levelDb: level, seconds } = ear.report()
      return {
        hz: Math.round(frequencyHz * 10) / 10,
        levelDb: Math.round(level * 10) / 10,
        seconds,
        givenSeconds: (given * FRAME_MS) / 1_000,
        longestGapMs: Math.round(longestGapMs),
      }
    },
  }
}
