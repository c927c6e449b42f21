import { SAMPLE_RATE } from './frame.ts'
import { powerDb, SILENCE_DB } from './level.ts'

/** Mono sound at 48 kHz that begins at `atMs` of some clock. */
type Piece = { atMs: number; samples: Int16Array }

/** One channel at 8 kHz on a clock: sample i belongs at `fromMs + i / 8`. Where no piece was, there is silence. */
export type SoundLine = { fromMs: number; samples: Float32Array }

/** RMS dBFS of every 10 ms: entry i is of `fromMs + 10 i` and what follows. `fromMs` is a multiple of 10. */
export type LevelLine = { fromMs: number; db: Float32Array }

/** Speech has what tells it apart below 4 kHz, and at 8 kHz comparing costs a sixth. */
export const LINE_RATE = 8000
const PER_MS = LINE_RATE / 1000
export const LEVEL_MS = 10

/** Pieces in any order, also at once: then they sum up. */
export const soundLineOf = (pieces: readonly Piece[]): SoundLine => {
  const fromMs = Math.min(...pieces.map(({ atMs }) => atMs))
  const untilMs = Math.max(...pieces.map(endOf))
  if (pieces.length === 0) return { fromMs: 0, samples: new Float32Array(0) }
  const samples = new Float32Array(Math.ceil((untilMs - fromMs) * PER_MS) + 1)
  for (const run of runsOf(pieces)) {
    const low = lowRate(run.samples)
    const at = Math.round((run.atMs - fromMs) * PER_MS)
    for (let i = 0; i < low.length && at + i < samples.length; i++) samples[at + i]! += low[i]!
  }
  return { fromMs, samples }
}

export const levelLineOf = (pieces: readonly Piece[]): LevelLine => {
  if (pieces.length === 0) return { fromMs: 0, db: new Float32Array(0) }
  const fromMs = Math.floor(Math.min(...pieces.map(({ atMs }) => atMs)) / LEVEL_MS) * LEVEL_MS
  const count = Math.ceil((Math.max(...pieces.map(endOf)) - fromMs) / LEVEL_MS) + 1
  const squares = new Float64Array(count)
  const perSlot = (SAMPLE_RATE * LEVEL_MS) / 1000
  for (const { atMs, samples } of pieces) {
    const offset = Math.round(((atMs - fromMs) * SAMPLE_RATE) / 1000)
    for (let i = 0; i < samples.length; i++) squares[Math.floor((offset + i) / perSlot)]! += samples[i]! ** 2
  }
  return { fromMs, db: Float32Array.from(squares, (sum) => powerDb(sum, perSlot)) }
}

/** The level at a time; silence where nothing is known. */
export const levelAt = ({ fromMs, db }: LevelLine, atMs: number): number =>
  db[Math.floor((atMs - fromMs) / LEVEL_MS)] ?? SILENCE_DB

const endOf = ({ atMs, samples }: Piece): number => atMs + (samples.length * 1000) / SAMPLE_RATE

/** Pieces that follow each other without a seam are one: a filter then has nothing to begin anew. */
const runsOf = (pieces: readonly Piece[]): Piece[] => {
  const runs: { atMs: number; endMs: number; parts: Int16Array[] }[] = []
  for (const piece of [...pieces].sort((a, b) => a.atMs - b.atMs)) {
    const last = runs.at(-1)
    if (last && Math.abs(piece.atMs - last.endMs) < 1 / PER_MS) {
      last.parts.push(piece.samples)
      last.endMs = endOf(piece)
    } else runs.push({ atMs: piece.atMs, endMs: endOf(piece), parts: [piece.samples] })
  }
  return runs.map(({ atMs, parts }) => ({ atMs, samples: joined(parts) }))
}

const joined = (parts: Int16Array[]): Int16Array => {
  if (parts.length === 1) return parts[0]!
  const samples = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    samples.set(part, at)
    at += part.length
  }
  return samples
}

const DOWN = SAMPLE_RATE / LINE_RATE
const TAPS = 96
const CUTOFF = 3700 / SAMPLE_RATE

/** A windowed sinc (Hann). It need not be as clean as what is listened to, and costs a tenth of audio/resample. */
const FILTER = Float32Array.from({ length: TAPS }, (_, i) => {
  const x = i - (TAPS - 1) / 2
  return (Math.sin(2 * Math.PI * CUTOFF * x) / (Math.PI * x)) * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / TAPS))
})

const lowRate = (samples: Int16Array): Float32Array => {
  const low = new Float32Array(Math.ceil(samples.length / DOWN))
  for (let i = 0; i < low.length; i++) {
    const start = i * DOWN - TAPS / 2
    let sum = 0
    for (let tap = Math.max(0, -start); tap < Math.min(TAPS, samples.length - start); tap++)
      sum += samples[start + tap]! * FILTER[tap]!
    low[i] = sum / 32768
  }
  return low
}
