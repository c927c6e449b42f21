import { createDriftBuffer, type DriftBuffer, type DriftCounts } from './drift-buffer.ts'
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
  /** What evening out the event loop's jitter costs now and did to the sound so far; the network's is gone before. */
  stats(): DriftCounts & { fillMs: number }
  remove(): void
}

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

/** Sound starts when this much is there, so that a late frame does not tear a hole at once. */
const TARGET_MS = 20
/** More than this is never kept: what comes after a stall would only be delay. */
const MAX_MS = 120

type MixerOptions = { channels?: Channels; nowMs?: () => number }

/** Sums named inputs without ever wrapping. A single input below -1.5 dBFS peak passes bit by bit while it comes steadily. */
export const createMixer = ({ channels = 2, nowMs }: MixerOptions = {}): Mixer => {
  const inputs = new Map<string, ReturnType<typeof createInput>>()
  const sum = new Float32Array(FRAME_SAMPLES * channels)
  const limiter = createLimiter(channels)
  let deafened = false
  return {
    channels,
    input: (name) => {
      const known = inputs.get(name)
      if (known) return known
      const buffer = createDriftBuffer({ channels, targetMs: TARGET_MS, maxMs: MAX_MS, nowMs })
      const input = createInput(channels, buffer, () => {
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

const createInput = (channels: Channels, buffer: DriftBuffer, remove: () => void) => {
  const adapter = createFrameAdapter(channels, buffer.write)
  const frame = createFrame(channels)
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
    stats: () => ({ ...buffer.counts(), fillMs: buffer.fillMs() }),
    remove,
    mixInto: (sum: Float32Array) => {
      buffer.read(frame)
      level = levelDb(frame)
      const target = muted ? 0 : wantedGain
      if (level > SILENCE_DB) addRamped(frame, sum, gain, target, channels)
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
