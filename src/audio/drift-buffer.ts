import { SAMPLE_RATE } from './frame.ts'
import { crossFade, fadeIn, fadeOutMirrored } from './seams.ts'

/**
 * Between two clocks that are never quite equal: a device's, the network's, ours. Holds interleaved 16-bit PCM, bounded,
 * and no more of it than the writer's jitter asks for. What is too much is cut out, and what is too little is played
 * twice, where the sound is most like itself (WSOLA: Verhelst and Roelands, ICASSP 1993), so that neither is heard.
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
  /**
   * For what comes from far away, with pauses: as it is no talk, so much stays in hand, and only beyond `leastMs` and
   * `mostMs` it is changed, by less than anybody hears: 10 ms in two seconds.
   */
  cushion?: { leastMs: number; mostMs: number }
  nowMs?: () => number
}

/** Delay is taken out when it was not needed for this long; much of it, left by a stall, sooner. */
const SPARE_WINDOW_MS = 2_000
const STALL_WINDOW_MS = 300
/** How much later than ever in that time the writer may come without a hole. Each hole makes it more, quiet time less. */
const MIN_MARGIN_MS = 3
const MARGIN_STEP_MS = 3
const MARGIN_DECAY = 0.3 / 1_000
/** Sound that was written less than this before it was read nearly came too late; less than this left is nearly dry. */
const CLOSE_MS = 1.5
/** What is always left, so that the difference of two clocks is met before it is heard. */
const RESERVE_MS = 2
const MIN_SHIFT_MS = 2.5
/** Longer than a period of any voice, so that a place that fits is found. */
const SEARCH_MS = 10

export const createDriftBuffer = (options: DriftBufferOptions): DriftBuffer => {
  const { channels, targetMs, maxMs, cushion, nowMs = () => performance.now() } = options
  const samplesPerMs = (SAMPLE_RATE / 1_000) * channels
  const ring = createRing(Math.ceil(maxMs * samplesPerMs))
  const writes = createWriteLog(targetMs)
  const steady = createLowest(SPARE_WINDOW_MS * samplesPerMs)
  const stalled = createLowest(STALL_WINDOW_MS * samplesPerMs)
  const left = createLowest(STALL_WINDOW_MS * samplesPerMs)
  const counts = { droppedMs: 0, insertedMs: 0, starvedMs: 0 }
  const minShift = wholeFrames(MIN_SHIFT_MS)
  const search = wholeFrames(SEARCH_MS)
  let marginMs = MIN_MARGIN_MS
  let state: 'empty' | 'filling' | 'flowing' = 'empty'
  let last = new Int16Array(0)

  function wholeFrames(ms: number) {
    return Math.floor((ms * samplesPerMs) / channels) * channels
  }

  const count = (kind: keyof typeof counts, samples: number) => {
    if (state !== 'empty') counts[kind] += samples / samplesPerMs
  }

  const write = (samples: Int16Array) => {
    const fitting = samples.length > ring.capacity ? samples.subarray(samples.length - ring.capacity) : samples
    count('droppedMs', samples.length - fitting.length)
    const over = ring.fill() + fitting.length - ring.capacity
    // After a stall of the reader only the live edge is of use.
    if (over > 0) discard(Math.max(over, ring.fill() - wholeFrames(targetMs)))
    ring.write(fitting)
    writes.add(nowMs(), fitting.length)
  }

  const discard = (samples: number) => {
    ring.move(samples)
    count('droppedMs', samples)
    restart()
  }

  const read = (into: Int16Array): 'frame' | 'starved' => {
    if (last.length !== into.length) last = new Int16Array(into.length)
    const needed = state === 'flowing' ? into.length : Math.max(into.length, targetMs * samplesPerMs)
    if (ring.fill() < needed) return starve(into)
    ring.copy(0, into)
    ring.move(into.length)
    if (state !== 'flowing') fadeIn(into, channels)
    state = 'flowing'
    if (cushion) keepCushion(into, cushion)
    else adapt(into)
    last.set(into)
    return 'frame'
  }

  const starve = (into: Int16Array): 'starved' => {
    if (state === 'flowing') fadeOutMirrored(last, into, channels)
    else into.fill(0)
    count('starvedMs', into.length)
    if (state === 'flowing') {
      state = 'filling'
      widenMargin()
    }
    restart()
    return 'starved'
  }

  const widenMargin = () => {
    marginMs = Math.min(targetMs, marginMs + MARGIN_STEP_MS)
  }

  /** Samples that were there to be read already `ms` ago. */
  const thereSince = (ms: number) => ring.fill() - writes.samplesSince(nowMs() - ms)

  const keepCushion = (into: Int16Array, { leastMs, mostMs }: { leastMs: number; mostMs: number }) => {
    const fill = steady.next(ring.fill(), into.length) ?? leastMs * samplesPerMs
    if (fill < leastMs * samplesPerMs) splice(into, -Math.min(search, ring.past() - into.length))
    if (fill > mostMs * samplesPerMs) splice(into, search)
  }

  const adapt = (into: Int16Array) => {
    marginMs = Math.max(MIN_MARGIN_MS, marginMs - (MARGIN_DECAY * into.length) / samplesPerMs)
    const unused = steady.next(thereSince(marginMs), into.length) ?? 0
    const leftByStall = stalled.next(thereSince(targetMs), into.length) ?? 0
    const isDrying = (left.next(ring.fill(), into.length) ?? Number.POSITIVE_INFINITY) < CLOSE_MS * samplesPerMs
    const cameLate = ring.fill() < into.length && thereSince(CLOSE_MS) < 0
    if (cameLate) widenMargin()
    if (cameLate || isDrying) splice(into, -Math.min(search, ring.past() - into.length))
    else splice(into, Math.max(0, Math.max(unused, leftByStall) - RESERVE_MS * samplesPerMs))
  }

  /** Cuts out up to `most` samples, or repeats up to `-most`, cross-fading from `into` to where the sound goes on. */
  const splice = (into: Int16Array, most: number) => {
    if (most > -minShift && most < minShift) return
    const furthest = Math.floor(most / channels) * channels
    const nearest = most > 0 ? Math.max(minShift, furthest - search) : -minShift
    const from = Math.min(nearest, furthest)
    const region = new Int16Array(Math.abs(furthest - nearest) + into.length)
    ring.copy(from - into.length, region)
    const offset = likest(into, region, { step: channels, isLastBest: most > 0 })
    crossFade(into, region.subarray(offset, offset + into.length), channels)
    const shift = from + offset
    ring.move(shift)
    count(shift > 0 ? 'droppedMs' : 'insertedMs', Math.abs(shift))
    restart()
  }

  const restart = () => {
    for (const window of [steady, stalled, left]) window.restart()
  }

  return { write, read, fillMs: () => ring.fill() / samplesPerMs, counts: () => ({ ...counts }) }
}

/** Keeps what was read until it is overwritten, so that the place of reading can also go back. */
const createRing = (capacity: number) => {
  const samples = new Int16Array(capacity)
  let start = 0
  let fill = 0
  let past = 0
  return {
    capacity,
    fill: () => fill,
    /** Samples before the place of reading that are still there. */
    past: () => past,
    write: (piece: Int16Array) => {
      const end = (start + fill) % capacity
      const head = Math.min(piece.length, capacity - end)
      samples.set(piece.subarray(0, head), end)
      samples.set(piece.subarray(head), 0)
      fill += piece.length
      past = Math.min(past, capacity - fill)
    },
    copy: (from: number, into: Int16Array) => {
      const begin = (start + from + capacity) % capacity
      const head = Math.min(into.length, capacity - begin)
      into.set(samples.subarray(begin, begin + head))
      into.set(samples.subarray(0, into.length - head), head)
    },
    move: (by: number) => {
      start = (start + by + capacity) % capacity
      fill -= by
      past += by
    },
  }
}

/** How many samples were written lately, to `keptMs` ago. */
const createWriteLog = (keptMs: number) => {
  const writes: { atMs: number; samples: number }[] = []
  return {
    add: (atMs: number, samples: number) => {
      writes.push({ atMs, samples })
      while (writes[0]!.atMs < atMs - keptMs) writes.shift()
    },
    samplesSince: (ms: number) => writes.reduce((sum, { atMs, samples }) => (atMs > ms ? sum + samples : sum), 0),
  }
}

/** The lowest value over each `length` of samples, told when that is full. */
const createLowest = (length: number) => {
  let lowest = Number.POSITIVE_INFINITY
  let seen = 0
  const restart = () => {
    lowest = Number.POSITIVE_INFINITY
    seen = 0
  }
  return {
    restart,
    next: (value: number, samples: number): number | undefined => {
      lowest = Math.min(lowest, value)
      seen += samples
      if (seen < length) return undefined
      const result = lowest
      restart()
      return result
    },
  }
}

/** Where in `region` the sound is most like `piece`. In silence every place is: then the one that shifts most. */
const likest = (piece: Int16Array, region: Int16Array, { step, isLastBest }: { step: number; isLastBest: boolean }) => {
  let best = 0
  let bestLikeness = Number.NEGATIVE_INFINITY
  for (let offset = 0; offset + piece.length <= region.length; offset += step) {
    let product = 0
    let power = 0
    for (let i = 0; i < piece.length; i++) {
      const there = region[offset + i]!
      product += piece[i]! * there
      power += there * there
    }
    const likeness = power > 0 ? product / Math.sqrt(power) : 0
    if (likeness > bestLikeness || (isLastBest && likeness === bestLikeness)) {
      best = offset
      bestLikeness = likeness
    }
  }
  return best
}
