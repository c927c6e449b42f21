import { gainOfDb } from './level.ts'

/** So likely a voice opens the gate, so likely keeps it open; between the two a breath or an `s` goes on as it was. */
const OPENS_AT = 0.5
const HOLDS_AT = 0.2
/** What is softer than this opens nothing, however like a voice it is: a television next door. */
const AUDIBLE_DB = -60
/** Through the pauses between words. */
const HOLD_FRAMES = 40
const STEP_DB = 1
/** Shut, it still lets something through: what it mistakes for noise is softer then, not cut off. */
const SHUT_DB = -20

/**
 * The gate of a voice: each 10 ms frame it is told how likely that holds voice (0 to 1) and how loud it is (RMS dBFS),
 * and answers with the factor on samples to be reached by its end. It opens within the frame, and shuts over 200 ms, by
 * 20 dB, once there was no voice for 400 ms.
 */
export const createVoiceGate = () => {
  let gainDb = SHUT_DB
  let holdFrames = 0
  return (probability: number, levelDb: number): number => {
    const isOpen = holdFrames > 0
    if (levelDb > AUDIBLE_DB && probability >= (isOpen ? HOLDS_AT : OPENS_AT)) holdFrames = HOLD_FRAMES
    else if (isOpen) holdFrames--
    gainDb = holdFrames > 0 ? 0 : Math.max(SHUT_DB, gainDb - STEP_DB)
    return gainOfDb(gainDb)
  }
}
