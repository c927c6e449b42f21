import { gainOfDb } from './level.ts'

/** So likely a voice opens the gate, so likely keeps it open. */
const OPENS_AT = 0.5
const HOLDS_AT = 0.2
/** A word may begin with an `s` or an `f`, long before it is like a voice: what stands out by so much opens, too. */
const STANDS_OUT_DB = 10
/** Over less than this nothing needs to stand out. */
const LEAST_FLOOR_DB = -70
/** How fast, per frame, what goes on is taken for noise; and how fast that is forgotten. */
const FLOOR_RISES = 0.01
const FLOOR_FALLS = 0.1
/** Through the pauses between words. */
const HOLD_FRAMES = 40
const STEP_DB = 1
const SHUT_DB = -20

/**
 * The gate of a voice whose noise was suppressed: each 10 ms frame it is told how likely there is a voice (0 to 1) and
 * how loud what is left is (RMS dBFS), and answers with the factor on samples to be reached by the frame's end. It opens
 * within a frame, and shuts over 200 ms, by 20 dB, once nothing has kept it open for 400 ms.
 */
export const createVoiceGate = () => {
  let gainDb = SHUT_DB
  let floorDb = LEAST_FLOOR_DB
  let holdFrames = 0
  return (probability: number, levelDb: number): number => {
    const isVoice = probability >= (holdFrames > 0 ? HOLDS_AT : OPENS_AT)
    const standsOut = levelDb > floorDb + STANDS_OUT_DB
    if (!isVoice) {
      const nearer = levelDb > floorDb ? FLOOR_RISES : FLOOR_FALLS
      floorDb = Math.max(LEAST_FLOOR_DB, floorDb + (levelDb - floorDb) * nearer)
    }
    holdFrames = isVoice || standsOut ? HOLD_FRAMES : Math.max(0, holdFrames - 1)
    gainDb = holdFrames > 0 ? 0 : Math.max(SHUT_DB, gainDb - STEP_DB)
    return gainOfDb(gainDb)
  }
}
