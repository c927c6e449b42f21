import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AudioSink, type AudioSource, createFrame, FRAME_MS, FRAME_SAMPLES } from '../../../src/audio/frame.ts'

/** Runs `onFrame` once per 10 ms of the real clock, late ones at once. */
export const everyFrame = async (count: number, onFrame: (index: number) => void) => {
  const startedAt = performance.now()
  for (let index = 0; index < count; index++) {
    const aheadMs = startedAt + index * FRAME_MS - performance.now()
    if (aheadMs > 1) await sleep(aheadMs)
    onFrame(index)
  }
}

/** What a mono source gives in `ms`. */
export const pull = async (source: AudioSource, ms: number) => {
  const all = new Int16Array((ms / FRAME_MS) * FRAME_SAMPLES)
  await everyFrame(ms / FRAME_MS, (index) => {
    source.read(all.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES))
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
  })
}

/** Frequency by upward zero crossings and RMS level, of the audible part; `soundMs` is how long that is. */
export const describeSound = (samples: Int16Array) => {
  const loud = (index: number) => Math.abs(samples[index]!) > 200
  let first = 0
  while (first < samples.length && !loud(first)) first++
  let last = samples.length - 1
  while (last > first && !loud(last)) last--
  const part = samples.subarray(first, last + 1)
  let crossings = 0
  let squares = 0
  let audible = 0
  for (let i = 1; i < part.length; i++) {
    if (part[i - 1]! < 0 && part[i]! >= 0) crossings++
    squares += part[i]! ** 2
  }
  for (let i = 0; i + 48 <= part.length; i += 48) if (part.subarray(i, i + 48).some((s) => Math.abs(s) > 200)) audible++
  return {
    hz: (crossings * 48_000) / part.length,
    levelDb: 10 * Math.log10(squares / part.length / 32_768 ** 2),
    startMs: first / 48,
    soundMs: part.length / 48,
    audibleMs: audible,
  }
}
