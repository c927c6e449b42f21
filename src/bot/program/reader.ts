import type { Channels } from '../../audio/frame.ts'
import type { OpenSound, OpenSoundAt, PlannedSound } from './contract.ts'
import { samplesOf } from './timeline.ts'

export type SoundReader = {
  readonly state: 'opening' | 'reading' | 'drained' | 'failed'
  /** Samples (per channel) that can be taken now. */
  available(): number
  /** Fills up to `count` samples per channel, interleaved; gives how many there were. */
  take(into: Int16Array, count: number): number
  /** Samples per channel that came out of it, taken or not. */
  decoded(): number
  /** Resolves when `count` samples are there, or nothing more will come. */
  whenReady(count: number): Promise<void>
  close(): Promise<void>
}

type Title = { title: string; artist: string | null }

export type ReaderOptions = {
  open: OpenSoundAt
  sound: PlannedSound
  channels: Channels
  /** Media time of the first sample. */
  startMs: number
  /** The last sample was decoded (or all that came before it broke off); `message`: what was wrong. */
  onOver(message: string | undefined): void
  onTitle(title: Title): void
  onWarning(message: string): void
}

/** How much is decoded ahead; refilled when a third is gone, so that the decoder works in strides. */
const AHEAD_MS = 3000

/** Decodes a sound some seconds ahead of who takes it. */
export const createSoundReader = ({
  open,
  sound,
  channels,
  startMs,
  onOver,
  onTitle,
  onWarning,
}: ReaderOptions): SoundReader => {
  const ahead = samplesOf(AHEAD_MS) * channels
  const pieces: Int16Array[] = []
  let offset = 0
  let queued = 0
  let total = 0
  let state: SoundReader['state'] = 'opening'
  let isClosed = false
  let wakeDecoder: (() => void) | undefined
  /** Told when the sound is taken that they belong to, not when it is decoded, seconds before. */
  const titles: { at: number; title: Title }[] = []
  let waiting: { count: number; resolve(): void }[] = []

  const wakeWaiting = () => {
    if (waiting.length === 0) return
    const isEnd = state === 'drained' || state === 'failed' || isClosed
    const ready = waiting.filter(({ count }) => isEnd || queued >= count * channels)
    waiting = waiting.filter((waiter) => !ready.includes(waiter))
    for (const { resolve } of ready) resolve()
  }
  const decode = async (opened: OpenSound) => {
    opened.onTitle?.((title) => void titles.push({ at: total, title }))
    opened.onWarning?.(onWarning)
    state = 'reading'
    for await (const piece of opened.pcm()) {
      if (isClosed) return
      pieces.push(piece)
      queued += piece.length
      total += piece.length
      wakeWaiting()
      if (queued < ahead) continue
      await new Promise<void>((resolve) => {
        wakeDecoder = resolve
      })
    }
  }
  let opened: OpenSound | undefined
  const run = async () => {
    let failure: string | undefined
    try {
      opened = await open(sound, { startMs, channels })
      await decode(opened)
    } catch (error) {
      failure = (error as Error).message
    }
    await opened?.close().catch(() => {})
    if (isClosed) return
    state = failure === undefined || total > 0 ? 'drained' : 'failed'
    onOver(failure ?? opened?.warning())
    wakeWaiting()
  }
  const running = run()

  return {
    get state() {
      return state
    },
    available: () => queued / channels,
    decoded: () => total / channels,
    take: (into, count) => {
      const wanted = count * channels
      let filled = 0
      while (filled < wanted && pieces.length > 0) {
        const piece = pieces[0]!
        const length = Math.min(wanted - filled, piece.length - offset)
        into.set(length === piece.length ? piece : piece.subarray(offset, offset + length), filled)
        filled += length
        offset += length
        if (offset < piece.length) continue
        pieces.shift()
        offset = 0
      }
      queued -= filled
      while (filled > 0 && titles.length > 0 && titles[0]!.at < total - queued) onTitle(titles.shift()!.title)
      if (wakeDecoder && queued < (ahead * 2) / 3) {
        wakeDecoder()
        wakeDecoder = undefined
      }
      return filled / channels
    },
    whenReady: (count) => {
      if (queued >= count * channels || state === 'drained' || state === 'failed') return Promise.resolve()
      return new Promise((resolve) => waiting.push({ count, resolve }))
    },
    close: async () => {
      isClosed = true
      wakeDecoder?.()
      wakeWaiting()
      // What waits for a stream, or to open one, may wait for long: closed, it ends by itself.
      if (state === 'opening') return
      await opened?.close().catch(() => {})
      await running
    },
  }
}
