import { type Channels, createFrame } from '../../audio/frame.ts'
import { crossFade } from '../../audio/seams.ts'

/** Frames that are heard in one piece, the last of which goes over into the next piece. */
const PIECE_FRAMES = 12

/**
 * Leaves out what is too much between pieces of 120 ms, so that a program is over `speed` times as fast at the same
 * pitch. `read` gives the next frame of the program, or false when there is none.
 */
export const createFastForward = (read: (into: Int16Array) => boolean, speed: number, channels: Channels) => {
  const skipped = createFrame(channels)
  let inPiece = 0
  let owed = 0
  /** The next frame; false at the end. */
  return (into: Int16Array): boolean => {
    if (!read(into)) return false
    inPiece++
    if (inPiece < PIECE_FRAMES) return true
    inPiece = 0
    owed += PIECE_FRAMES * (speed - 1)
    let left = Math.floor(owed)
    owed -= left
    if (left === 0) return true
    while (left-- > 0) if (!read(skipped)) return true
    crossFade(into, skipped, channels)
    return true
  }
}
