import { FRAME_MS } from '../../audio/frame.ts'
import type { Duck } from '../script/script.ts'

/** How far a bed is down, in dB, from frame to frame: straight down in `attackMs`, straight up in `releaseMs`. */
export const createDucker = ({ under, byDb, attackMs, releaseMs }: Duck) => {
  const depth = Math.abs(byDb)
  let downDb = 0
  return {
    /** The gains in dB at the start and the end of the next frame; `isFresh`: after a jump it is where it should be. */
    next: (sounding: { voice: boolean; speakers: boolean }, isFresh: boolean): { from: number; to: number } => {
      const isDown = under.some((what) => sounding[what])
      const target = isDown ? depth : 0
      if (isFresh) downDb = target
      const from = downDb
      const step = (depth * FRAME_MS) / Math.max(FRAME_MS, isDown ? attackMs : releaseMs)
      downDb = isDown ? Math.min(target, downDb + step) : Math.max(target, downDb - step)
      return { from: -from, to: -downDb }
    },
  }
}
