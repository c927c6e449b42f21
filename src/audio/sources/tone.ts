import { type AudioSource, type Channels, SAMPLE_RATE } from '../frame.ts'
import { gainOfDb } from '../level.ts'

export type ToneOptions = {
  hz: number
  /** RMS level; a sine peaks 3.01 dB above it. */
  levelDb?: number
  channels?: Channels
}

/** A sine without end, continuous in phase from frame to frame. */
export const createToneSource = ({ hz, levelDb = -20, channels = 1 }: ToneOptions): AudioSource => {
  const amplitude = 32768 * Math.SQRT2 * gainOfDb(levelDb)
  const cyclesPerSample = hz / SAMPLE_RATE
  let cycles = 0
  return {
    channels,
    read: (into) => {
      for (let at = 0; at < into.length; at += channels) {
        into.fill(clamp(Math.round(amplitude * Math.sin(2 * Math.PI * cycles))), at, at + channels)
        cycles = (cycles + cyclesPerSample) % 1
      }
      return 'frame'
    },
    close: async () => {},
  }
}

const clamp = (sample: number) => Math.max(-32768, Math.min(32767, sample))
