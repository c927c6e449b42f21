import { FRAME_MS, FRAME_SAMPLES } from '../../audio/frame.ts'

/** How far back a program can be played again: longer than any cut takes to be noticed. */
const FRAMES = 30_000 / FRAME_MS

/** The last 30 s that were given, for what a network cut swallowed. */
export const createHistory = (channels: number) => {
  const size = FRAME_SAMPLES * channels
  const ring = new Int16Array(FRAMES * size)
  let written = 0
  let kept = 0
  let left = 0
  const frameBack = (back: number) => {
    const at = ((written - back) % FRAMES) * size
    return ring.subarray(at, at + size)
  }
  return {
    push: (frame: Int16Array) => {
      ring.set(frame, (written % FRAMES) * size)
      written++
      kept = Math.min(FRAMES, kept + 1)
    },
    /** What comes after has nothing to do with what was before. */
    cut: () => {
      kept = 0
      left = 0
    },
    /** Plays the last `frames` again, or as many as there are; never fewer than are still to be played. */
    rewind: (frames: number) => {
      left = Math.max(left, Math.min(kept, frames))
    },
    /** Frames that are still to be played again. */
    left: () => left,
    /** The next of them. */
    next: (into: Int16Array) => {
      into.set(frameBack(left))
      left--
    },
  }
}
