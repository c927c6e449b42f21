import { type Channels, SAMPLE_RATE } from '../frame.ts'
import { createResampler, toInt16 } from '../resample.ts'
import type { Decoding } from './decoding.ts'

/** The sound of a file from `startMs` on, at 48 kHz in so many channels. */
export async function* convert(decoding: Decoding, channels: Channels, startMs: number): AsyncGenerator<Int16Array> {
  const { sampleRate } = decoding.info
  const resamplers = Array.from({ length: channels }, () => createResampler(sampleRate, SAMPLE_RATE))
  const startSample = Math.max(0, Math.round((startMs * sampleRate) / 1000))
  for await (const lanes of inSequence(decoding, startSample)) {
    const ready = toLanes(lanes, channels).map((lane, i) => resamplers[i]!.process(lane))
    if (ready[0]!.length > 0) yield toInt16(ready)
  }
  const rest = resamplers.map((resampler) => resampler.flush())
  if (rest[0]!.length > 0) yield toInt16(rest)
}

/** Cuts away what lies before the start and fills with silence what damage tore out, so that time stays true. */
async function* inSequence({ info, blocks }: Decoding, startSample: number): AsyncGenerator<Float32Array[]> {
  let next = startSample
  for await (const { at, lanes } of blocks(startSample)) {
    const length = lanes[0]?.length ?? 0
    if (at + length <= next || length === 0) continue
    const hole = Math.min(at - next, MAX_HOLE_S * info.sampleRate)
    if (hole > 0) yield lanes.map(() => new Float32Array(hole))
    const skip = Math.max(0, next - at)
    yield lanes.map((lane) => lane.subarray(skip))
    next = at + length
  }
}

/** A larger hole is more likely a wrong time stamp. */
const MAX_HOLE_S = 10

/** One channel becomes two alike; two or more become one by their average, and more than two are heard from both sides. */
const toLanes = (lanes: Float32Array[], channels: Channels): Float32Array[] => {
  if (lanes.length === channels) return lanes
  const one = lanes.length === 1 ? lanes[0]! : lanes[0]!.map((_, i) => averageAt(lanes, i))
  return channels === 1 ? [one] : [one, one]
}

const averageAt = (lanes: Float32Array[], i: number) => lanes.reduce((sum, lane) => sum + lane[i]!, 0) / lanes.length
