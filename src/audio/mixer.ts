import { type Channels, createFrame, FRAME_MS, FRAME_SAMPLES } from './frame.ts'
import { gainOfDb, levelDb, SILENCE_DB } from './level.ts'
import { createLimiter } from './limiter.ts'
import { createFrameAdapter } from './resample.ts'
import { crossFade, fadeIn, fadeOutMirrored } from './seams.ts'

type MixerInput = {
  /** Interleaved 16-bit PCM as it comes, of any rate and channel count; frames of 10 ms are the usual size. */
  push(samples: Int16Array, sampleRate: number, channels: Channels): void
  /** 0 to 200 per cent of the amplitude; 100 leaves the samples untouched. */
  setVolume(percent: number): void
  /** Mute for me: the input keeps flowing and is metered, but not heard. */
  setMuted(muted: boolean): void
  /** RMS dBFS of the last frame pulled, before volume; -100 when nothing came. */
  levelDb(): number
  /** In milliseconds of sound: what waits to be mixed, and what was missing or too much since the first that came. */
  stats(): { droppedMs: number; starvedMs: number; fillMs: number }
  remove(): void
}

export type Mixer = {
  readonly channels: Channels
  /** The input of that name, made on first use; names are participant identities. */
  input(name: string): MixerInput
  inputs(): string[]
  /** Deafened: inputs keep flowing and are metered, the mix is silence. */
  setDeafened(deafened: boolean): void
  /** All inputs lowered by so many decibels, 0 for not at all; it gets there smoothly, and sooner down than up. */
  lowerBy(db: number): void
  /** `complete`: all that had a frame last time have the next one; `partial`: some have; `empty`: nobody has. */
  waiting(): 'complete' | 'partial' | 'empty'
  /**
   * Mixes the next frame of each into the caller's. Whoever has none is silent until it has. `beside`, of one channel, is
   * heard in any case: neither lowered nor deafened.
   */
  pull(into: Int16Array, beside?: Int16Array): void
}

/** More than this is never kept of one input. */
const MAX_FRAMES = 12
/** An input that had a frame more than it needed for so many frames has it taken out: it would only be delay. */
const SPARE_FRAMES = 30

/** Sums named inputs without ever wrapping. A single input below -0.2 dBFS peak passes bit by bit while it comes steadily. */
export const createMixer = ({ channels = 2 }: { channels?: Channels } = {}): Mixer => {
  const inputs = new Map<string, ReturnType<typeof createInput>>()
  const sum = new Float32Array(FRAME_SAMPLES * channels)
  const limiter = createLimiter(channels)
  let deafened = false
  let lowered = 1
  let gain = 1
  return {
    channels,
    input: (name) => {
      const known = inputs.get(name)
      if (known) return known
      const input = createInput(channels, () => {
        if (inputs.get(name) === input) inputs.delete(name)
      })
      inputs.set(name, input)
      return input
    },
    inputs: () => [...inputs.keys()],
    setDeafened: (next) => {
      deafened = next
    },
    waiting: () => {
      const all = [...inputs.values()]
      if (!all.some((input) => input.hasFrame())) return 'empty'
      return all.some((input) => input.isAwaited()) ? 'partial' : 'complete'
    },
    lowerBy: (db) => {
      lowered = gainOfDb(-db)
    },
    pull: (into, beside) => {
      sum.fill(0)
      for (const input of inputs.values()) input.mixInto(sum)
      const next = glide(gain, lowered)
      if (gain !== 1 || next !== 1) ramp(sum, gain, next, channels)
      gain = next
      if (deafened) sum.fill(0)
      if (beside) for (let i = 0; i < sum.length; i++) sum[i]! += beside[Math.floor(i / channels)]!
      limiter.apply(sum, into)
    },
  }
}

const createInput = (channels: Channels, remove: () => void) => {
  const frames = createFrameQueue(channels)
  const adapter = createFrameAdapter(channels, frames.push)
  const frame = createFrame(channels)
  let wantedGain = 1
  let muted = false
  let gain: number | undefined
  let level = SILENCE_DB
  return {
    push: adapter.push,
    setVolume: (percent: number) => {
      wantedGain = Math.max(0, Math.min(200, percent)) / 100
    },
    setMuted: (next: boolean) => {
      muted = next
    },
    levelDb: () => level,
    stats: frames.stats,
    hasFrame: frames.hasFrame,
    isAwaited: frames.isAwaited,
    remove,
    mixInto: (sum: Float32Array) => {
      frames.take(frame)
      level = levelDb(frame)
      const target = muted ? 0 : wantedGain
      if (level > SILENCE_DB) addRamped(frame, sum, gain ?? target, target, channels)
      gain = target
    },
  }
}

/** What comes from one, frame by frame. It neither starts nor stops with a click. */
const createFrameQueue = (channels: Channels) => {
  const queue: Int16Array[] = []
  /** Used again: three hundred new ones a second would keep the collector busy. */
  const spares: Int16Array[] = []
  const last = createFrame(channels)
  const counts = { droppedMs: 0, starvedMs: 0 }
  let hasBegun = false
  let isFlowing = false
  let spare = Number.POSITIVE_INFINITY
  let taken = 0

  const starve = (into: Int16Array) => {
    if (isFlowing) fadeOutMirrored(last, into, channels)
    else into.fill(0)
    isFlowing = false
    if (hasBegun) counts.starvedMs += FRAME_MS
  }

  const takeOutSpare = (into: Int16Array) => {
    spare = Math.min(spare, queue.length)
    if (++taken < SPARE_FRAMES) return
    if (spare > 0) {
      crossFade(into, queue[spare - 1]!, channels)
      drop(spare)
    }
    spare = Number.POSITIVE_INFINITY
    taken = 0
  }

  const drop = (frames: number) => {
    spares.push(...queue.splice(0, frames))
    counts.droppedMs += frames * FRAME_MS
  }

  return {
    push: (frame: Int16Array) => {
      const copy = spares.pop() ?? createFrame(channels)
      copy.set(frame)
      queue.push(copy)
      if (queue.length > MAX_FRAMES) drop(1)
    },
    hasFrame: () => queue.length > 0,
    isAwaited: () => isFlowing && queue.length === 0,
    take: (into: Int16Array) => {
      const next = queue.shift()
      if (!next) return starve(into)
      into.set(next)
      spares.push(next)
      if (!isFlowing) fadeIn(into, channels)
      hasBegun = isFlowing = true
      takeOutSpare(into)
      last.set(into)
    },
    stats: () => ({ ...counts, fillMs: queue.length * FRAME_MS }),
  }
}

/** Of the way that is left so much is gone in a frame: of 20 dB all but one after 100 ms down, and after 300 ms up. */
const DOWN_SHARE = 0.35
const UP_SHARE = 0.08

const glide = (from: number, to: number): number => {
  if (Math.abs(to - from) < 0.001) return to
  return from + (to - from) * (to < from ? DOWN_SHARE : UP_SHARE)
}

const ramp = (samples: Float32Array, from: number, to: number, channels: Channels) => {
  for (let i = 0; i < samples.length; i++) {
    const share = Math.floor(i / channels) / FRAME_SAMPLES
    samples[i]! *= from + (to - from) * share
  }
}

/** A change of volume is spread over the frame: a step would click. */
const addRamped = (frame: Int16Array, sum: Float32Array, from: number, to: number, channels: Channels) => {
  if (from === to) {
    if (to > 0) for (let i = 0; i < frame.length; i++) sum[i]! += frame[i]! * to
    return
  }
  for (let i = 0; i < frame.length; i++) {
    const share = Math.floor(i / channels) / FRAME_SAMPLES
    sum[i]! += frame[i]! * (from + (to - from) * share)
  }
}
