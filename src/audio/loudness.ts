import type { Channels } from './frame.ts'
import { createTruePeak } from './true-peak.ts'

export type Loudness = {
  /** Integrated loudness, gated (ITU-R BS.1770-4); -Infinity when nothing was louder than -70 LUFS. */
  integratedLufs: number
  /** Largest value between the samples, oversampled four times, in dBTP; -Infinity for silence. */
  truePeakDb: number
}

export type LoudnessMeter = {
  /** Any number of whole sample frames, interleaved, 48 kHz. */
  push(samples: Int16Array): void
  result(): Loudness
}

/** A fixed gain in dB, measured once, that makes files equally loud (EBU R128). */
export type LoudnessTarget = { targetLufs?: number; maxPeakDb?: number }

const BLOCK_STEPS = 4
/** 100 ms at 48 kHz: blocks of 400 ms that overlap by three quarters. */
const STEP_SAMPLES = 4800
const ABSOLUTE_GATE_LUFS = -70
const RELATIVE_GATE_LU = -10

/**
 * Loudness by ITU-R BS.1770-4 as EBU R128 uses it: K-weighting, blocks of 400 ms, an absolute and a relative gate.
 * Mono counts as one channel, as ffmpeg's ebur128 has it.
 */
export const createLoudnessMeter = ({ channels }: { channels: Channels }): LoudnessMeter => {
  const filters = Array.from({ length: channels }, createKWeighting)
  const peaks = Array.from({ length: channels }, createTruePeak)
  const steps: number[] = []
  const blockPowers: number[] = []
  let sum = 0
  let filled = 0

  const endStep = () => {
    steps.push(sum)
    sum = 0
    filled = 0
    if (steps.length > BLOCK_STEPS) steps.shift()
    if (steps.length < BLOCK_STEPS) return
    blockPowers.push(steps.reduce((total, step) => total + step, 0) / (BLOCK_STEPS * STEP_SAMPLES))
  }

  return {
    push: (samples) => {
      for (let at = 0; at < samples.length; ) {
        const count = Math.min(samples.length / channels - at / channels, STEP_SAMPLES - filled)
        for (let channel = 0; channel < channels; channel++) {
          sum += filters[channel]!(samples, at + channel, channels, count)
          peaks[channel]!.push(samples, at + channel, channels, count)
        }
        at += count * channels
        filled += count
        if (filled === STEP_SAMPLES) endStep()
      }
    },
    result: () => ({
      integratedLufs: integrate(blockPowers),
      truePeakDb: 20 * Math.log10(Math.max(...peaks.map((peak) => peak.largest()))),
    }),
  }
}

/** The gain in dB that brings a measured sound to the target, held back where its peaks would go too far. */
export const gainFor = (
  { integratedLufs, truePeakDb }: Loudness,
  { targetLufs = -18, maxPeakDb = -1.5 }: LoudnessTarget = {},
): number => {
  if (!Number.isFinite(integratedLufs)) return 0
  return Math.min(targetLufs - integratedLufs, maxPeakDb - truePeakDb)
}

const integrate = (powers: number[]): number => {
  const loud = powers.filter((power) => lufs(power) > ABSOLUTE_GATE_LUFS)
  const gate = lufs(mean(loud)) + RELATIVE_GATE_LU
  return lufs(mean(loud.filter((power) => lufs(power) > gate)))
}

const lufs = (power: number) => -0.691 + 10 * Math.log10(power)

const mean = (values: number[]) =>
  values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length

/**
 * K-weighting for 48 kHz (BS.1770-4, tables 1 and 2): a shelf for the head, then a high pass. Gives the sum of squares
 * of one channel's weighted samples, full scale being 1.
 */
const createKWeighting = () => {
  let [x1, x2, y1, y2, z1, z2] = [0, 0, 0, 0, 0, 0]
  return (samples: Int16Array, from: number, stride: number, count: number): number => {
    let sum = 0
    for (let i = 0, at = from; i < count; i++, at += stride) {
      const x = samples[at]! / 32768
      const y =
        1.53512485958697 * x -
        2.69169618940638 * x1 +
        1.19839281085285 * x2 +
        1.69065929318241 * y1 -
        0.73248077421585 * y2
      const z = y - 2 * y1 + y2 + 1.99004745483398 * z1 - 0.99007225036621 * z2
      x2 = x1
      x1 = x
      y2 = y1
      y1 = y
      z2 = z1
      z1 = z
      sum += z * z
    }
    return sum
  }
}
