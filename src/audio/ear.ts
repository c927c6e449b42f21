import { toChannels } from './channels.ts'
import { type Channels, SAMPLE_RATE } from './frame.ts'
import { powerDb } from './level.ts'
import { createSpectrum } from './spectrum.ts'

type Gap = { atMs: number; ms: number }

/** What an ear heard since the last reset. */
type HeardReport = {
  /** Seconds of audible sound: frames above -60 dBFS RMS. */
  seconds: number
  /** RMS dBFS of the audible part alone; -100 when there was none. */
  levelDb: number
  /** The strongest frequency of the audible part; 0 when there was none. */
  frequencyHz: number
  longestGapMs: number
  /** In order of time; at most the last 1000. */
  gaps: Gap[]
}

export type Ear = {
  /**
   * Hears a run of interleaved samples at 48 kHz that belongs at media time `atMs` (by RTP timestamp or by counting
   * frames, not by arrival). `concealed`: the decoder made it up. `muted`: the track was muted.
   */
  push(frame: Int16Array, channels: Channels, atMs: number, flags?: { concealed?: boolean; muted?: boolean }): void
  /** What is missing from here to the next frame is no gap: the track was muted, unpublished or left. */
  pause(): void
  /** With `untilMs`, media time that was due by then and has not come counts as a gap. */
  report(options?: { untilMs?: number }): HeardReport
  /** Forgets the figures, not the time line: a gap across a reset is still told. */
  reset(): void
}

const AUDIBLE_DB = -60
const MAX_GAPS = 1000
/** Time stamps are rounded by whoever carries them: less than half a frame missing is nothing missing. */
const TOLERANCE_MS = 5

/**
 * Tells what was heard: how long, how loud, which frequency, where it was torn. A gap is media time that was due and
 * did not come, none while muted; a source's own digital silence is not a gap.
 */
export const createEar = (): Ear => {
  const spectrum = createSpectrum()
  let gaps: Gap[] = []
  let longestGapMs = 0
  let sumOfSquares = 0
  let audibleSamples = 0
  let audibleMs = 0
  let expectedMs: number | undefined

  const addGap = (atMs: number, untilMs: number) => {
    const last = gaps.at(-1)
    const joins = last && atMs - (last.atMs + last.ms) < TOLERANCE_MS
    const gap = joins ? last : { atMs, ms: 0 }
    gap.ms = untilMs - gap.atMs
    if (!joins) gaps.push(gap)
    if (gaps.length > MAX_GAPS) gaps.shift()
    longestGapMs = Math.max(longestGapMs, gap.ms)
    spectrum.cut()
  }

  const listen = (frame: Int16Array, channels: Channels) => {
    let squares = 0
    for (let i = 0; i < frame.length; i++) squares += frame[i]! * frame[i]!
    if (powerDb(squares, frame.length) < AUDIBLE_DB) return spectrum.cut()
    sumOfSquares += squares
    audibleSamples += frame.length
    audibleMs += durationMs(frame, channels)
    spectrum.push(channels === 1 ? frame : toChannels(frame, 2, new Int16Array(frame.length / 2), 1))
  }

  return {
    push: (frame, channels, atMs, { concealed = false, muted = false } = {}) => {
      const endMs = atMs + durationMs(frame, channels)
      if (muted) {
        expectedMs = undefined
        return
      }
      if (expectedMs !== undefined && atMs - expectedMs > TOLERANCE_MS) addGap(expectedMs, atMs)
      if (concealed) addGap(atMs, endMs)
      else listen(frame, channels)
      expectedMs = Math.max(endMs, expectedMs ?? endMs)
    },
    pause: () => {
      expectedMs = undefined
    },
    report: ({ untilMs } = {}) => {
      const due = expectedMs !== undefined && untilMs !== undefined ? untilMs - expectedMs : 0
      const open = due > TOLERANCE_MS ? [{ atMs: expectedMs!, ms: due }] : []
      return {
        seconds: audibleMs / 1000,
        levelDb: powerDb(sumOfSquares, audibleSamples),
        frequencyHz: audibleSamples === 0 ? 0 : spectrum.strongestHz(),
        longestGapMs: Math.max(longestGapMs, ...open.map((gap) => gap.ms)),
        gaps: [...gaps.map((gap) => ({ ...gap })), ...open],
      }
    },
    reset: () => {
      spectrum.reset()
      gaps = []
      longestGapMs = 0
      sumOfSquares = 0
      audibleSamples = 0
      audibleMs = 0
    },
  }
}

const durationMs = (frame: Int16Array, channels: Channels) => (frame.length / channels / SAMPLE_RATE) * 1000
