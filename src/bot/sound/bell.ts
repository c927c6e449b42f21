import { SAMPLE_RATE } from '../../audio/frame.ts'

/** Partials of a struck bowl: ratio to the fundamental, share, and seconds to fall by 60 dB. */
const PARTIALS = [
  { ratio: 1, share: 0.5, fallS: 8 },
  { ratio: 2.71, share: 0.28, fallS: 5 },
  { ratio: 5.15, share: 0.14, fallS: 3 },
  { ratio: 8.43, share: 0.08, fallS: 1.5 },
]

/** The bell that ships: one stroke of a singing bowl, mono, 48 kHz; the same each time. */
export const strikeBell = (hz = 210, lengthMs = 9000): Int16Array => {
  const samples = new Int16Array(Math.round((lengthMs * SAMPLE_RATE) / 1000))
  for (let i = 0; i < samples.length; i++) {
    const s = i / SAMPLE_RATE
    let sum = 0
    for (const { ratio, share, fallS } of PARTIALS) {
      sum += share * Math.sin(2 * Math.PI * hz * ratio * s) * 10 ** ((-3 * s) / fallS)
    }
    // 4 ms of attack keep the strike from clicking.
    samples[i] = 32767 * sum * Math.min(1, s / 0.004)
  }
  return samples
}
