import { FRAME_SAMPLES, SAMPLE_RATE } from './frame.ts'
import { gainOfDb } from './level.ts'

export type Note = { hz: number; ms: number }

/** Its loudest: modest beside a voice, which peaks at about -10 dBFS. */
const PEAK_DB = -24
/** So long a note takes to come and to go, so that it does not click. */
const EDGE_MS = 12
/** 100 ms between two that follow each other, so that they are told apart. */
const REST_FRAMES = 10

/** Notes one after the other, each a sine with soft edges: one channel, 16 bits, 48 kHz, in whole frames. */
export const renderChime = (notes: readonly Note[]): Int16Array => {
  const lengths = notes.map(({ ms }) => samplesOf(ms))
  const total = lengths.reduce((sum, length) => sum + length, 0)
  const samples = new Int16Array(Math.ceil(total / FRAME_SAMPLES) * FRAME_SAMPLES)
  let at = 0
  for (const [index, { hz }] of notes.entries()) {
    const length = lengths[index]!
    for (let i = 0; i < length; i++) {
      const phase = (2 * Math.PI * hz * i) / SAMPLE_RATE
      samples[at + i] = Math.round(PEAK * edge(i, length) * Math.sin(phase))
    }
    at += length
  }
  return samples
}

const samplesOf = (ms: number) => Math.round((ms * SAMPLE_RATE) / 1000)
const PEAK = 32768 * gainOfDb(PEAK_DB)
const EDGE_SAMPLES = samplesOf(EDGE_MS)

/** A raised cosine at both ends. */
const edge = (i: number, length: number) => {
  const fromEnd = Math.min(i, length - 1 - i)
  return fromEnd >= EDGE_SAMPLES ? 1 : (1 - Math.cos((Math.PI * fromEnd) / EDGE_SAMPLES)) / 2
}

export type ChimePlayer = {
  /** At once, or a rest after what sounds now or has just sounded; of several that wait only the last is news. */
  play(samples: Int16Array): void
  /** The next 10 ms, of one channel; undefined when nothing sounds. */
  next(): Int16Array | undefined
  /** Resolves when the last of it was taken. */
  over(): Promise<void>
}

export const createChimePlayer = (): ChimePlayer => {
  let playing: Int16Array | undefined
  let waiting: Int16Array | undefined
  let at = 0
  let restFrames = 0
  const tell: (() => void)[] = []
  const begin = () => {
    if (playing || restFrames > 0) return
    playing = waiting
    waiting = undefined
  }
  return {
    play: (samples) => {
      waiting = samples
      begin()
    },
    next: () => {
      if (restFrames > 0) {
        restFrames--
        return undefined
      }
      begin()
      if (!playing) return undefined
      const frame = playing.subarray(at, at + FRAME_SAMPLES)
      at += FRAME_SAMPLES
      if (at < playing.length) return frame
      at = 0
      playing = undefined
      restFrames = REST_FRAMES
      if (!waiting) for (const told of tell.splice(0)) told()
      return frame
    },
    over: () => (playing || waiting ? new Promise((resolve) => tell.push(resolve)) : Promise.resolve()),
  }
}
