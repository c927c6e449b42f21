import { type Channels, FRAME_MS } from './frame.ts'
import { gainOfDb } from './level.ts'

/**
 * Nothing below this peak is touched. So near to full scale because a lossy codec gives back higher peaks than it took:
 * music of -1.5 dBFS comes out of Opus at up to 0.
 */
const THRESHOLD = 32768 * gainOfDb(-0.2)
const HEADROOM = 32767 - THRESHOLD
const RELEASE_MS = 200

/**
 * Keeps a sum of tracks within 16 bits. Loud passages are turned down as a whole (down within one frame, back up over
 * 200 ms), and what a sudden attack still pushes over -0.2 dBFS is bent smoothly into the headroom: it never wraps.
 */
export const createLimiter = (channels: Channels) => {
  let gain = 1
  return {
    apply: (sum: Float32Array, into: Int16Array) => {
      const next = nextGain(gain, peakOf(sum))
      if (gain === 1 && next === 1) for (let i = 0; i < sum.length; i++) into[i] = Math.round(sum[i]!)
      else {
        const frames = sum.length / channels
        for (let i = 0; i < sum.length; i++) {
          const share = (Math.floor(i / channels) + 1) / frames
          into[i] = Math.round(bend(sum[i]! * (gain + (next - gain) * share)))
        }
      }
      gain = next
    },
  }
}

const nextGain = (gain: number, peak: number) => {
  const allowed = peak > THRESHOLD ? THRESHOLD / peak : 1
  if (allowed <= gain) return allowed
  const released = gain + (1 - gain) * (FRAME_MS / RELEASE_MS)
  // Close enough to 1 is 1, so that quiet sound passes bit by bit again.
  return Math.min(allowed, released > 0.999 ? 1 : released)
}

const bend = (sample: number) => {
  const magnitude = Math.abs(sample)
  if (magnitude <= THRESHOLD) return sample
  return Math.sign(sample) * (THRESHOLD + HEADROOM * Math.tanh((magnitude - THRESHOLD) / HEADROOM))
}

const peakOf = (samples: Float32Array) => {
  let peak = 0
  for (let i = 0; i < samples.length; i++) {
    const magnitude = samples[i]! < 0 ? -samples[i]! : samples[i]!
    if (magnitude > peak) peak = magnitude
  }
  return peak
}
