import { toChannels } from './channels.ts'
import { startFrameClock } from './clock.ts'
import { type AudioSource, type Channels, createFrame } from './frame.ts'
import { levelDb } from './level.ts'

export type PumpedFrame = {
  /** RMS dBFS of what the source gave, before mute: while muted this tells that someone talks unheard. */
  levelDb: number
  muted: boolean
  /** So many later frames are due as well: this process was held up. */
  behind: number
}

export type Pump = {
  setMuted(muted: boolean): void
  /** Swaps the source between two frames. The former source stays open: it belongs to the caller. */
  setSource(source: AudioSource): void
  stats(): PumpStats
  close(): void
}

/** `starvedFrames`: the source was late; `skippedFrames`: this process stalled and media time went on without us. */
export type PumpStats = { frames: number; starvedFrames: number; skippedFrames: number }

export type PumpOptions = {
  source: AudioSource
  muted?: boolean
  /** Channels of what goes out; mono sources are doubled, stereo ones averaged, as needed. */
  channels?: Channels
  /** Every 10 ms. The frame is the pump's again when the call returns. */
  onFrame(frame: Int16Array, about: PumpedFrame): void
  /** Told once for each source that ends; silence goes on after it. */
  onEnded?(): void
}

/** A live source that has been silent for so long is taken for lost, and silence goes out in its place. */
const PATIENCE_TICKS = 10

/**
 * The microphone side: source, then mute, then level, one frame every 10 ms: by the clock, or as it comes from a live
 * source, which then waits for no clock. Muted means silence is sent.
 */
export const startPump = (options: PumpOptions): Pump => {
  const { tick, skip, close, ...pump } = createPump(options)
  const clock = startFrameClock({ onFrame: (_, behind) => tick(behind), onSkip: skip })
  return {
    ...pump,
    close: () => {
      clock.close()
      close()
    },
  }
}

/** The pump without a clock: each `tick` moves one frame, unless the source is live. */
export const createPump = ({ source, muted = false, channels = 1, onFrame, onEnded }: PumpOptions) => {
  const stats: PumpStats = { frames: 0, starvedFrames: 0, skippedFrames: 0 }
  const silence = createFrame(channels)
  const frame = createFrame(channels)
  let input = createFrame(source.channels)
  let ended = false
  let ticksWithout = 0

  const move = (from: Int16Array, behind = 0) => {
    toChannels(from, source.channels, frame, channels)
    stats.frames++
    onFrame(muted ? silence.fill(0) : frame, { levelDb: levelDb(frame), muted, behind })
  }
  const listen = () =>
    source.listen?.((live) => {
      ticksWithout = 0
      move(live)
    })
  let stopListening = listen()

  const pull = (behind: number) => {
    const result = ended ? 'frame' : source.read(input)
    if (result === 'starved') stats.starvedFrames++
    move(ended ? input.fill(0) : input, behind)
    if (result !== 'ended') return
    ended = true
    onEnded?.()
  }

  return {
    /** `behind`: of how many ticks more it is followed at once. */
    tick: (behind = 0) => {
      if (!stopListening || ++ticksWithout > PATIENCE_TICKS) pull(behind)
    },
    skip: (frames: number) => {
      stats.skippedFrames += frames
    },
    setMuted: (next: boolean) => {
      muted = next
    },
    setSource: (next: AudioSource) => {
      stopListening?.()
      source = next
      input = createFrame(next.channels)
      ended = false
      ticksWithout = 0
      stopListening = listen()
    },
    stats: (): PumpStats => ({ ...stats }),
    close: () => stopListening?.(),
  }
}
