import { createEar } from '../../src/audio/ear.ts'
import { FRAME_MS, FRAME_SAMPLES } from '../../src/audio/frame.ts'

/** What the ear says of mono samples at 48 kHz; 0 when all is silence. */
const frequencyOf = (samples: Int16Array): number => {
  const ear = createEar()
  for (let at = 0; at < samples.length; at += FRAME_SAMPLES)
    ear.push(samples.subarray(at, at + FRAME_SAMPLES), 1, (at / FRAME_SAMPLES) * FRAME_MS)
  return ear.report().frequencyHz
}

/** Within 1 % of the tone sent. */
export const isTone = (heardHz: number | undefined, sentHz: number): boolean =>
  heardHz !== undefined && Math.abs(heardHz - sentHz) <= sentHz * 0.01

/** Keeps the last 200 ms of a mono stream at 48 kHz. */
export type ToneMeter = {
  add(samples: Int16Array): void
  /** 0 is silence; undefined when nothing came in for half a second, or too little so far. */
  hz(): number | undefined
}

const METER_SAMPLES = 9600
const STALE_MS = 500

export const createToneMeter = (): ToneMeter => {
  const ring = new Int16Array(METER_SAMPLES)
  let written = 0
  let atMs = 0
  return {
    add: (samples) => {
      for (const sample of samples) {
        ring[written % METER_SAMPLES] = sample
        written += 1
      }
      atMs = performance.now()
    },
    hz: () => {
      if (written < METER_SAMPLES || performance.now() - atMs > STALE_MS) return undefined
      const start = written % METER_SAMPLES
      const inOrder = new Int16Array(METER_SAMPLES)
      inOrder.set(ring.subarray(start))
      inOrder.set(ring.subarray(0, start), METER_SAMPLES - start)
      return frequencyOf(inOrder)
    },
  }
}
