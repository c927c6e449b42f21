/**
 * Listening quality as ITU-T G.107 (the E-model) estimates it, from what was measured of a connection:
 *
 *     R = 93.2 - Idd - Ie,eff
 *     Idd = 0 up to 100 ms, else 25 ((1 + X^6)^(1/6) - 3 (1 + (X/3)^6)^(1/6) + 2), X = log2(Ta / 100 ms)
 *     Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)
 *     MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6, 1 for R <= 0, 4.5 for R >= 100
 *
 * 93.2 is Ro - Is with all of G.107's defaults, without echo (Idte = Idle = 0) and with A = 0. ITU-T G.113 has no Ie and
 * Bpl for Opus: those here are of rtcscore (github.com/livekit/rtcscore-go), Ie = 55 - 4.6 ln(bit/s), here for the 24
 * kbit/s that LiveKit's clients give speech, and Bpl = 10 without FEC. So it is an estimate, good to compare runs by.
 */
export type Quality = {
  /** Mouth to ear. */
  delayMs: number
  /** Share of packets that never came or came too late to be played, 0 to 1. */
  lossShare: number
}

const SPEECH_BPS = 24_000
const IE = 55 - 4.6 * Math.log(SPEECH_BPS)
const BPL = 10
/** Losses are taken for random. */
const BURST_R = 1

export const mosOf = ({ delayMs, lossShare }: Quality): number => {
  const lossPercent = lossShare * 100
  const equipment = IE + (95 - IE) * (lossPercent / (lossPercent / BURST_R + BPL))
  const r = 93.2 - delayImpairment(delayMs) - equipment
  if (r <= 0) return 1
  return r >= 100 ? 4.5 : Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
}

const delayImpairment = (delayMs: number): number => {
  if (delayMs <= 100) return 0
  const x = Math.log2(delayMs / 100)
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
}
