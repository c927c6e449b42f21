import { FRAME_MS, FRAME_SAMPLES } from '../../audio/frame.ts'
import type { SoundPiece } from '../contract.ts'
import type { Frames } from './wire.ts'

/** Gathers frames of 10 ms until they are taken. */
export const createFrameLog = () => {
  let times: number[] = []
  let frames: Int16Array[] = []
  return {
    /** The frame is copied. */
    add: (atMs: number, frame: Int16Array): void => {
      times.push(atMs)
      frames.push(frame.slice())
    },
    take: (): Frames | undefined => {
      if (times.length === 0) return undefined
      const samples = new Int16Array(frames.length * FRAME_SAMPLES)
      for (const [index, frame] of frames.entries()) samples.set(frame, index * FRAME_SAMPLES)
      const taken = { atMs: Float64Array.from(times), samples }
      times = []
      frames = []
      return taken
    },
  }
}

/** A busy event loop hands frames over late, but all of them; only those that stay behind were never there. */
const LATE_MS = 60
const STAYS_LATE_FRAMES = 50

/**
 * Frames as pieces without a hole, each placed where its earliest frame says: what comes late is late by the machine's
 * doing, and nothing comes early. A piece ends where the frames after it stay behind for half a second, or for good.
 */
export const piecesOf = (parts: readonly Frames[]): SoundPiece[] => {
  const atMs = joined(parts.map((part) => part.atMs))
  const pieces: SoundPiece[] = []
  let first = 0
  while (first < atMs.length) {
    const { end, startMs } = runFrom(atMs, first)
    pieces.push({ atMs: startMs, samples: samplesOf(parts, first, end) })
    first = end
  }
  return pieces
}

const runFrom = (atMs: readonly number[], first: number): { end: number; startMs: number } => {
  let startMs = Number.POSITIVE_INFINITY
  let lateSince = -1
  for (let at = first; at < atMs.length; at++) {
    const fitsMs = atMs[at]! - (at - first) * FRAME_MS
    if (fitsMs - startMs <= LATE_MS) {
      startMs = Math.min(startMs, fitsMs)
      lateSince = -1
      continue
    }
    if (lateSince < 0) lateSince = at
    const isLong = atMs[at]! - atMs[lateSince]! >= STAYS_LATE_FRAMES * FRAME_MS || at === atMs.length - 1
    if (isLong) return { end: lateSince, startMs }
  }
  return { end: atMs.length, startMs }
}

const joined = (parts: readonly Float64Array[]): number[] => parts.flatMap((part) => [...part])

const samplesOf = (parts: readonly Frames[], first: number, end: number): Int16Array => {
  const samples = new Int16Array((end - first) * FRAME_SAMPLES)
  let offset = 0
  for (const part of parts) {
    const [from, until] = [Math.max(first, offset), Math.min(end, offset + part.atMs.length)]
    if (from < until)
      samples.set(
        part.samples.subarray((from - offset) * FRAME_SAMPLES, (until - offset) * FRAME_SAMPLES),
        (from - first) * FRAME_SAMPLES,
      )
    offset += part.atMs.length
  }
  return samples
}
