import { fftOf } from '../../src/audio/fft.ts'
import { SAMPLE_RATE } from '../../src/audio/frame.ts'
import { levelDb } from '../../src/audio/level.ts'
import { median } from './marker-delay.ts'

const BEAT = SAMPLE_RATE / 2
const CHORDS = [
  [110, 220, 277.2, 329.6],
  [98, 196, 246.9, 293.7],
]
/** Keeps the sides apart without one of them being empty. */
const SIDES = [
  [1, 0.4],
  [0.4, 1],
]

/** Plucked chords and a drum in stereo, its sides unlike, mastered loud, its loudest sample at `peakDb`. */
export const music = ({ seconds, peakDb }: { seconds: number; peakDb: number }): Int16Array => {
  const frames = seconds * SAMPLE_RATE
  const raw = new Float64Array(2 * frames)
  let seed = 1
  const noise = () => {
    seed = (seed * 16807) % 2147483647
    return seed / 1073741823.5 - 1
  }
  for (let i = 0; i < frames; i++) {
    const beat = Math.floor(i / BEAT)
    const t = (i % BEAT) / SAMPLE_RATE
    const chord = CHORDS[beat % 2]!
    const notes = [0, 0]
    for (const [place, hz] of chord.entries())
      for (let partial = 1; partial <= 8; partial++) {
        const sound = (Math.sin(2 * Math.PI * hz * partial * t) * Math.exp(-t * (2 + partial))) / partial
        for (const side of [0, 1]) notes[side]! += SIDES[place % 2]![side]! * sound
      }
    const drum = 1.5 * Math.sin(2 * Math.PI * 60 * t) * Math.exp(-t * 12) + 0.8 * noise() * Math.exp(-t * 25)
    // Notes begin within 2 ms, as strings do.
    for (const side of [0, 1]) raw[2 * i + side] = Math.tanh(2 * (notes[side]! + drum) * Math.min(1, t * 500))
  }
  const peak = raw.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
  const scale = (32768 * 10 ** (peakDb / 20)) / peak
  return Int16Array.from(raw, (sample) => Math.round(sample * scale))
}

/**
 * RMS level in dBFS of a typical second of one side, and in the octaves around 63 Hz to 8 kHz, these to be compared with
 * each other alone. The music comes again every second, so it does not matter where one begins, or that one was torn.
 */
export const levelsOf = (samples: Int16Array): { db: number; octaves: { hz: number; db: number }[] } => {
  const seconds = Array.from({ length: Math.floor((samples.length - SECOND) / HOP) + 1 }, (_, i) =>
    samples.subarray(i * HOP, i * HOP + SECOND),
  )
  const loudest = Math.max(...seconds.map(levelDb))
  const whole = seconds.filter((second) => levelDb(second) > loudest - 0.5)
  const octaves = whole.map(octaveLevelsDb)
  return {
    db: median(whole.map(levelDb)),
    octaves: OCTAVES.map((hz, i) => ({ hz, db: median(octaves.map((levels) => levels[i]!)) })),
  }
}

const SECOND = 48_000
const HOP = SECOND / 2
const OCTAVES = [63, 125, 250, 500, 1000, 2000, 4000, 8000]
const WINDOW = 4096
const STEP = WINDOW / 8

/** Of a second, taken as a ring: a drum counts alike wherever it falls. */
const octaveLevelsDb = (samples: Int16Array): number[] => {
  const { forward } = fftOf(WINDOW)
  const power = new Float64Array(WINDOW / 2)
  for (let at = 0; at < samples.length; at += STEP) {
    const re = Float64Array.from(
      { length: WINDOW },
      (_, i) => samples[(at + i) % samples.length]! * Math.sin((Math.PI * i) / WINDOW) ** 2,
    )
    const im = new Float64Array(WINDOW)
    forward(re, im)
    for (let line = 0; line < power.length; line++) power[line]! += re[line]! ** 2 + im[line]! ** 2
  }
  return OCTAVES.map((hz) => {
    const lineOf = (edge: number) => Math.round((edge * WINDOW) / SAMPLE_RATE)
    const octave = power.subarray(lineOf(hz / Math.SQRT2), lineOf(hz * Math.SQRT2))
    return 10 * Math.log10(octave.reduce((sum, each) => sum + each, 0))
  })
}
