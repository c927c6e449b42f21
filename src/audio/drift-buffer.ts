import { SAMPLE_RATE } from './frame.ts'

/**
 * Between two clocks that are never quite equal: a device's and ours. Holds interleaved 16-bit PCM, bounded. When the
 * reader is slowly outrun it drops one block, when it slowly gains it repeats one, each cross-faded so that nothing clicks.
 */
export type DriftBuffer = {
  /** Any number of samples. Beyond `maxMs` the oldest are thrown away. */
  write(samples: Int16Array): void
  /** Fills `into` (always the same length). `starved`: too little was there, silence was filled in. */
  read(into: Int16Array): 'frame' | 'starved'
  fillMs(): number
  counts(): DriftCounts
}

/** In milliseconds of sound, each from the first read that gave sound on. */
export type DriftCounts = { droppedMs: number; insertedMs: number; starvedMs: number }

export type DriftBufferOptions = {
  channels: number
  /** What must be there before the first read gives sound, and again after running dry. */
  targetMs: number
  maxMs: number
}

/** The fill is judged by its lowest point over this time, so that jitter is not taken for drift. */
const WINDOW_MS = 300
/** A reserve under this at its lowest runs dry soon. */
const LOW_MS = 2

export const createDriftBuffer = ({ channels, targetMs, maxMs }: DriftBufferOptions): DriftBuffer => {
  const samplesPerMs = (SAMPLE_RATE / 1_000) * channels
  const capacity = Math.ceil(maxMs * samplesPerMs)
  const ring = new Int16Array(capacity)
  const counts = { droppedMs: 0, insertedMs: 0, starvedMs: 0 }
  let start = 0
  let fill = 0
  let state: 'empty' | 'filling' | 'flowing' = 'empty'
  let last = new Int16Array(0)
  let spare = new Int16Array(0)
  let lowest = Number.POSITIVE_INFINITY
  let windowSamples = 0

  const take = (into: Int16Array) => {
    const head = Math.min(into.length, capacity - start)
    into.set(ring.subarray(start, start + head))
    into.set(ring.subarray(0, into.length - head), head)
    start = (start + into.length) % capacity
    fill -= into.length
  }

  const discard = (samples: number) => {
    start = (start + samples) % capacity
    fill -= samples
    count(samples)
  }

  const count = (dropped: number) => {
    if (state !== 'empty') counts.droppedMs += dropped / samplesPerMs
  }

  const write = (samples: Int16Array) => {
    const fitting = samples.length > capacity ? samples.subarray(samples.length - capacity) : samples
    count(samples.length - fitting.length)
    // After a stall of the reader only the live edge is of use.
    if (fill + fitting.length > capacity) discard(Math.max(fill + fitting.length - capacity, excess(fill)))
    const end = (start + fill) % capacity
    const head = Math.min(fitting.length, capacity - end)
    ring.set(fitting.subarray(0, head), end)
    ring.set(fitting.subarray(head), 0)
    fill += fitting.length
  }

  const excess = (samples: number) => Math.max(0, samples - Math.ceil(targetMs * samplesPerMs))

  const read = (into: Int16Array): 'frame' | 'starved' => {
    if (last.length !== into.length) [last, spare] = [new Int16Array(into.length), new Int16Array(into.length)]
    if (fill < into.length || (state !== 'flowing' && fill < targetMs * samplesPerMs)) return starve(into)
    take(into)
    if (state !== 'flowing') fadeIn(into, channels)
    state = 'flowing'
    correct(into)
    last.set(into)
    return 'frame'
  }

  const starve = (into: Int16Array): 'starved' => {
    if (state === 'flowing') fadeOutMirrored(last, into, channels)
    else into.fill(0)
    if (state !== 'empty') counts.starvedMs += into.length / samplesPerMs
    if (state === 'flowing') state = 'filling'
    restartWindow()
    return 'starved'
  }

  const correct = (into: Int16Array) => {
    lowest = Math.min(lowest, fill)
    windowSamples += into.length
    if (windowSamples < WINDOW_MS * samplesPerMs) return
    const lowestMs = lowest / samplesPerMs
    const blockMs = into.length / samplesPerMs
    // At its lowest, right after a read, half the target is enough; all above is delay.
    const surplus = Math.floor((lowestMs - targetMs / 2) / blockMs)
    if (lowestMs > targetMs && surplus > 0) {
      discard((surplus - 1) * into.length)
      take(spare)
      count(into.length)
      crossFade(into, spare, into, channels)
    } else if (lowestMs < LOW_MS) {
      // The block just taken is put back, and a bridge from its start to the end of the one before is played.
      start = (start - into.length + capacity) % capacity
      fill += into.length
      crossFade(into, last, into, channels)
      counts.insertedMs += into.length / samplesPerMs
    }
    restartWindow()
  }

  const restartWindow = () => {
    lowest = Number.POSITIVE_INFINITY
    windowSamples = 0
  }

  return { write, read, fillMs: () => fill / samplesPerMs, counts: () => ({ ...counts }) }
}

const crossFade = (from: Int16Array, to: Int16Array, into: Int16Array, channels: number) => {
  const steps = into.length / channels
  for (let i = 0; i < into.length; i++) {
    const share = Math.floor(i / channels) / steps
    into[i] = Math.round(from[i]! * (1 - share) + to[i]! * share)
  }
}

const fadeIn = (samples: Int16Array, channels: number) => {
  const steps = samples.length / channels
  for (let i = 0; i < samples.length; i++) samples[i] = Math.round((samples[i]! * Math.floor(i / channels)) / steps)
}

/** Sound that stops short is played backwards into silence: it goes on from the very value where it stopped. */
const fadeOutMirrored = (last: Int16Array, into: Int16Array, channels: number) => {
  const steps = into.length / channels
  for (let step = 0; step < steps; step++) {
    for (let channel = 0; channel < channels; channel++) {
      const mirrored = last[(steps - 1 - step) * channels + channel]!
      into[step * channels + channel] = Math.round(mirrored * (1 - step / steps))
    }
  }
}
