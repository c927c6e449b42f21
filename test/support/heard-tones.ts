import type { AudioSink } from '../../src/audio/frame.ts'
import { SAMPLE_RATE } from '../../src/audio/frame.ts'
import { eventually } from './eventually.ts'

/** What sounded in one frame: the strongest of the tones that are listened for (null in silence), and its level in dBFS RMS. */
export type HeardTone = { atMs: number; hz: number | null; db: number }

const SILENT_DB = -60
/** A new state is believed when it has stood for so many frames; it is dated by the first. */
const STANDS_FRAMES = 5

/** An ear that tells tones apart as they come, with the time (performance.now) at which each frame came. */
export const createToneEar = (tonesHz: readonly number[]) => {
  const frames: HeardTone[] = []
  const sink: AudioSink = {
    channels: 1,
    write: (frame) => {
      const levels = tonesHz.map((hz) => ({ hz, db: levelAt(frame, hz) }))
      const loudest = levels.toSorted((a, b) => b.db - a.db)[0]!
      frames.push({ atMs: performance.now(), hz: loudest.db > SILENT_DB ? loudest.hz : null, db: loudest.db })
    },
    close: async () => {},
  }
  return {
    sink,
    frames: () => frames,
    last: () => frames.at(-1),
    /** When it began to be so after `sinceMs`: the first frame of those that are. */
    since: (sinceMs: number, isSo: (heard: HeardTone) => boolean, { withinMs = 5000, what = 'heard' } = {}) =>
      eventually(
        () => {
          const after = frames.filter(({ atMs }) => atMs > sinceMs)
          const at = after.findIndex(
            (_, i) => i + STANDS_FRAMES <= after.length && after.slice(i, i + STANDS_FRAMES).every(isSo),
          )
          if (at < 0) throw new Error(JSON.stringify(after.slice(-3)))
          return after[at]
        },
        { withinMs, what },
      ),
  }
}

/** RMS of one tone, dBFS, by Goertzel's algorithm. */
const levelAt = (samples: Int16Array, hz: number): number => {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE)
  let [one, two] = [0, 0]
  for (const sample of samples) [one, two] = [sample / 32768 + turn * one - two, one]
  const power = one * one + two * two - turn * one * two
  return 10 * Math.log10((2 * power) / samples.length ** 2 + 1e-12)
}
