import { SAMPLE_RATE } from '../../audio/frame.ts'

/** Partials of a struck bowl: ratio to the fundamental, share, and seconds to fall by 60 dB. */
const PARTIALS = [
  { ratio: 1, share: 0.5, fallS: 8 },
  { ratio: 2.71, share: 0.28, fallS: 5 },
  { ratio: 5.15, share: 0.14, fallS: 3 },
  { ratio: 8.43, share: 0.08, fallS: 1.5 },
]

const HZ = 210
const LENGTH_MS = 9000

/** What a measurement says of it (EBU R128, true peak): known, so that no start waits for it. */
export const BELL_FACTS = { durationMs: LENGTH_MS, channels: 1, lufs: -16.8707, truePeakDb: -0.2603 } as const

/** So long an attack keeps the strike from clicking. */
const ATTACK_SAMPLES = 0.004 * SAMPLE_RATE

let stroke: Int16Array | undefined

/** The bell that ships: one stroke of a singing bowl, mono, 48 kHz; the same each time, made once. */
export const strikeBell = (): Int16Array => {
  stroke ??= makeStroke()
  return stroke
}

const makeStroke = (): Int16Array => {
  const sum = new Float64Array(Math.round((LENGTH_MS * SAMPLE_RATE) / 1000))
  for (const { ratio, share, fallS } of PARTIALS) {
    // A sine that falls, each sample from the two before it.
    const step = (2 * Math.PI * HZ * ratio) / SAMPLE_RATE
    const fall = 10 ** (-3 / fallS / SAMPLE_RATE)
    const [a, b] = [2 * fall * Math.cos(step), fall * fall]
    let before = 0
    let now = share * fall * Math.sin(step)
    for (let i = 1; i < sum.length; i++) {
      sum[i]! += now
      const next = a * now - b * before
      before = now
      now = next
    }
  }
  const stroke = new Int16Array(sum.length)
  for (let i = 0; i < sum.length; i++) stroke[i] = 32767 * sum[i]! * Math.min(1, i / ATTACK_SAMPLES)
  return stroke
}
