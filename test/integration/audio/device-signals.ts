import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AudioSink, type AudioSource, createFrame, FRAME_MS, FRAME_SAMPLES } from '../../../src/audio/frame.ts'
import { frequencyOf } from '../../../src/audio/spectrum.ts'

/** Runs `onFrame` once per 10 ms of the real clock, late ones at once, at most `count` times or until it says `done`. */
export const everyFrame = async (count: number, onFrame: (index: number) => 'done' | undefined) => {
  const startedAt = performance.now()
  for (let index = 0; index < count; index++) {
    const aheadMs = startedAt + index * FRAME_MS - performance.now()
    if (aheadMs > 1) await sleep(aheadMs)
    if (onFrame(index) === 'done') return
  }
}

/** What a mono source gives in `ms`. */
export const pull = async (source: AudioSource, ms: number) => {
  const all = new Int16Array((ms / FRAME_MS) * FRAME_SAMPLES)
  await everyFrame(ms / FRAME_MS, (index) => {
    source.read(all.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES))
    return undefined
  })
  return all
}

/** Writes a sine into a sink in real time. */
export const feed = async (sink: AudioSink, { hz, levelDb, ms }: { hz: number; levelDb: number; ms: number }) => {
  const frame = createFrame(sink.channels)
  const amplitude = 32_767 * Math.SQRT2 * 10 ** (levelDb / 20)
  await everyFrame(ms / FRAME_MS, (index) => {
    for (let i = 0; i < frame.length; i++) {
      const at = index * FRAME_SAMPLES + Math.floor(i / sink.channels)
      frame[i] = Math.round(amplitude * Math.sin((2 * Math.PI * hz * at) / 48_000))
    }
    sink.write(frame)
    return undefined
  })
}

/**
 * Of the part from the first to the last audible sample: its length, how much of it is audible, its RMS level, and its
 * strongest frequency, which the holes of a busy machine do not move.
 */
export const describeSound = (samples: Int16Array) => {
  const first = samples.findIndex(isAudible)
  const part = samples.subarray(first, samples.findLastIndex(isAudible) + 1)
  return {
    hz: frequencyOf(part),
    levelDb: 10 * Math.log10(part.reduce((sum, sample) => sum + sample ** 2, 0) / part.length / 32_768 ** 2),
    startMs: first / 48,
    soundMs: part.length / 48,
    audibleMs: pieces(part, 48).filter((piece) => piece.some(isAudible)).length,
  }
}

const isAudible = (sample: number) => Math.abs(sample) > 200

const pieces = (samples: Int16Array, length: number) =>
  Array.from({ length: Math.floor(samples.length / length) }, (_, i) => samples.subarray(i * length, (i + 1) * length))
