import type { DecodedAudio } from '../audio/files/decode.ts'
import { type AudioSource, type Channels, FRAME_SAMPLES, SAMPLE_RATE } from '../audio/frame.ts'
import { gainOfDb } from '../audio/level.ts'

/** A file that is being decoded: interleaved 48 kHz PCM, in runs of any length. */
type OpenItem = Pick<DecodedAudio, 'pcm' | 'warning' | 'close'>

export type ProgramOptions = {
  channels: Channels
  /** How many items there are; `open` and `gainDb` are asked by index, just before each is due. */
  itemCount: number
  open(index: number): Promise<OpenItem>
  gainDb(index: number): Promise<number>
  /** After the last item comes the first. */
  loop: boolean
  /** An item that cannot be opened, or breaks off: what was wrong. The program goes on with the next one. */
  onWarning?(index: number, message: string): void
}

type ProgramPosition = {
  /** Which item plays. */
  index: number
  /** How far into it, in ms. */
  atMs: number
  /** Program time since the start, in ms; this is what `resume` takes. */
  programMs: number
}

export type Program = AudioSource & {
  position(): ProgramPosition
  /** Gives silence; the position stands still. */
  hold(): void
  /** Goes on, from an earlier program time if one is given (at most `HISTORY_MS` back). */
  resume(fromProgramMs?: number): void
  readonly isHeld: boolean
}

/** How far back `resume` may go: longer than any cut takes to be noticed. */
const HISTORY_MS = 30_000
const AHEAD_MS = 3000

/**
 * Plays files one after the other with no sample between them, each at its gain. Decodes a few seconds ahead and keeps
 * the last 30 s, so that what a network cut swallowed can be played again.
 */
export const createProgram = (options: ProgramOptions): Program => {
  const { channels, itemCount, open, gainDb, loop, onWarning } = options
  const ring = new Int16Array(((HISTORY_MS + 2 * AHEAD_MS) / 1000) * SAMPLE_RATE * channels)
  const starts: { index: number; at: number }[] = [{ index: 0, at: 0 }]
  let written = 0
  let readAt = 0
  let isHeld = false
  let isFinished = false
  let isClosed = false
  let wake: (() => void) | undefined

  const aheadLimit = samples(AHEAD_MS)
  const room = async () => {
    while (!isClosed && written - readAt > aheadLimit) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return !isClosed
  }

  const append = async (chunk: Int16Array, gain: number) => {
    // Pieces of at most a second keep a long run from outgrowing the ring.
    for (let from = 0; from < chunk.length; from += samples(1000)) {
      if (!(await room())) return
      const piece = chunk.subarray(from, from + samples(1000))
      let at = written % ring.length
      for (let i = 0; i < piece.length; i++) {
        ring[at] = clamp(piece[i]! * gain)
        if (++at === ring.length) at = 0
      }
      written += piece.length
    }
  }

  const playItem = async (index: number) => {
    try {
      const db = await gainDb(index)
      const item = await open(index)
      try {
        starts.push({ index, at: written })
        for await (const chunk of item.pcm()) {
          await append(chunk, gainOfDb(db))
          if (isClosed) return
        }
      } finally {
        await item.close()
      }
      const warning = item.warning()
      if (warning) onWarning?.(index, warning)
    } catch (error) {
      onWarning?.(index, (error as Error).message)
    }
  }

  const run = async () => {
    do {
      const before = written
      for (let index = 0; index < itemCount && !isClosed; index++) await playItem(index)
      // A round that gave no sound at all would spin for ever.
      if (written === before) break
    } while (loop && !isClosed)
    isFinished = true
  }
  const running = run()

  const currentStart = () => {
    while (starts.length > 1 && starts[1]!.at <= readAt - samples(HISTORY_MS)) starts.shift()
    return starts.findLast((start) => start.at <= readAt) ?? starts[0]!
  }

  function samples(ms: number) {
    return Math.round((ms * SAMPLE_RATE) / 1000) * channels
  }
  const msOf = (count: number) => (count / channels / SAMPLE_RATE) * 1000

  return {
    channels,
    get isHeld() {
      return isHeld
    },
    read: (into) => {
      into.fill(0)
      if (isHeld) return 'frame'
      const wanted = FRAME_SAMPLES * channels
      const ready = Math.min(wanted, written - readAt)
      if (ready < wanted && !isFinished) return 'starved'
      const at = readAt % ring.length
      into.set(ring.subarray(at, at + ready))
      if (at + ready > ring.length) into.set(ring.subarray(0, at + ready - ring.length), ring.length - at)
      readAt += ready
      wake?.()
      return ready < wanted ? 'ended' : 'frame'
    },
    position: () => {
      const start = currentStart()
      return { index: start.index, atMs: msOf(readAt - start.at), programMs: msOf(readAt) }
    },
    hold: () => {
      isHeld = true
    },
    resume: (fromProgramMs) => {
      isHeld = false
      if (fromProgramMs === undefined) return
      const oldest = Math.max(0, written - ring.length, readAt - samples(HISTORY_MS))
      readAt = Math.min(readAt, Math.max(oldest, samples(fromProgramMs)))
    },
    close: async () => {
      isClosed = true
      wake?.()
      await running
    },
  }
}

const clamp = (sample: number) => Math.max(-32768, Math.min(32767, Math.round(sample)))
