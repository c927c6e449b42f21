import { type Channels, createFrame, FRAME_SAMPLES } from './frame.ts'
import { levelDb, SILENCE_DB } from './level.ts'
import { createLimiter } from './limiter.ts'
import { createFrameAdapter } from './resample.ts'

type MixerInput = {
  /** Interleaved 16-bit PCM as it comes, of any rate and channel count; frames of 10 ms are the usual size. */
  push(samples: Int16Array, sampleRate: number, channels: Channels): void
  /** 0 to 200 per cent of the amplitude; 100 leaves the samples untouched. */
  setVolume(percent: number): void
  /** Mute for me: the input keeps flowing and is metered, but not heard. */
  setMuted(muted: boolean): void
  /** RMS dBFS of the last frame pulled, before volume; -100 when nothing came. */
  levelDb(): number
  stats(): MixerInputStats
  remove(): void
}

/** `missedFrames`: nothing was there when due, though sound was running; `droppedFrames`: too much came. */
type MixerInputStats = { missedFrames: number; droppedFrames: number; queuedFrames: number }

export type Mixer = {
  readonly channels: Channels
  /** The input of that name, made on first use; names are participant identities. */
  input(name: string): MixerInput
  inputs(): string[]
  /** Deafened: inputs keep flowing and are metered, the mix is silence. */
  setDeafened(deafened: boolean): void
  /** Mixes the next 10 ms into the caller's frame. Call it once per frame of the clock. */
  pull(into: Int16Array): void
}

/** Sound starts when this much is queued, so that a late frame does not tear a hole at once. */
const START_FRAMES = 2
/** More than this is never kept: what comes after a stall would only be delay. */
const MAX_FRAMES = 12
/** When at least this much was queued for two seconds, one frame of delay is taken out. */
const SPARE_FRAMES = 3
const SPARE_AFTER_PULLS = 200

/** Sums named inputs without ever wrapping. A single input below -1.5 dBFS peak passes bit by bit. */
export const createMixer = ({ channels = 2 }: { channels?: Channels } = {}): Mixer => {
  const inputs = new Map<string, ReturnType<typeof createInput>>()
  const sum = new Float32Array(FRAME_SAMPLES * channels)
  const limiter = createLimiter(channels)
  let deafened = false
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
    pull: (into) => {
      sum.fill(0)
      for (const input of inputs.values()) input.mixInto(sum)
      if (deafened) into.fill(0)
      else limiter.apply(sum, into)
    },
  }
}

const createInput = (channels: Channels, remove: () => void) => {
  const queue = createFrameQueue(channels)
  const adapter = createFrameAdapter(channels, queue.push)
  let wantedGain = 1
  let muted = false
  let gain = 1
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
    stats: queue.stats,
    remove,
    mixInto: (sum: Float32Array) => {
      const frame = queue.next()
      level = frame ? levelDb(frame) : SILENCE_DB
      const target = muted ? 0 : wantedGain
      if (frame) addRamped(frame, sum, gain, target, channels)
      gain = target
    },
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

/** A ring of whole frames. It evens out the event loop's jitter; the network's is already gone before it. */
const createFrameQueue = (channels: Channels) => {
  const ring = Array.from({ length: MAX_FRAMES }, () => createFrame(channels))
  const stats = { missedFrames: 0, droppedFrames: 0 }
  let first = 0
  let queued = 0
  let running = false
  let fewest = MAX_FRAMES
  let pulls = 0

  const drop = () => {
    first = (first + 1) % MAX_FRAMES
    queued--
    stats.droppedFrames++
  }

  const takeOutSpareDelay = () => {
    fewest = Math.min(fewest, queued)
    if (++pulls < SPARE_AFTER_PULLS) return
    if (fewest >= SPARE_FRAMES) drop()
    fewest = MAX_FRAMES
    pulls = 0
  }

  return {
    push: (frame: Int16Array) => {
      if (queued === MAX_FRAMES) while (queued > START_FRAMES) drop()
      ring[(first + queued++) % MAX_FRAMES]!.set(frame)
    },
    next: (): Int16Array | undefined => {
      if (!running && queued < START_FRAMES) return undefined
      if (queued === 0) {
        running = false
        stats.missedFrames++
        return undefined
      }
      running = true
      takeOutSpareDelay()
      const frame = ring[first]!
      first = (first + 1) % MAX_FRAMES
      queued--
      return frame
    },
    stats: (): MixerInputStats => ({ ...stats, queuedFrames: queued }),
  }
}
