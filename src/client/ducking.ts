/** From this level on the own microphone counts as spoken into. */
const SPEAKING_DB = -40
/** Others stay lowered between words. */
const HOLD_MS = 600

export type Ducking = {
  /** How much the others are lowered at this moment, in decibels; `levelDb` is the microphone's, as it goes out. */
  lowerByDb(isOpen: boolean, levelDb: number, nowMs: number): number
  setDb(db: number): void
}

/** Lowers the others while one speaks on an open microphone, which then sends less of them back. */
export const createDucking = (initialDb: number): Ducking => {
  let db = initialDb
  let spokeAtMs = Number.NEGATIVE_INFINITY
  return {
    lowerByDb: (isOpen, levelDb, nowMs) => {
      if (isOpen && levelDb > SPEAKING_DB) spokeAtMs = nowMs
      return isOpen && nowMs - spokeAtMs < HOLD_MS ? db : 0
    },
    setDb: (next) => {
      db = next
    },
  }
}
