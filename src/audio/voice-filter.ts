import { FRAME_SAMPLES } from './frame.ts'
import { powerDb } from './level.ts'
import type { Denoiser } from './rnnoise.ts'
import { createVoiceGate } from './voice-gate.ts'

export type VoiceFilter = {
  /** One frame of 480 samples, mono, in place. */
  process(frame: Int16Array): void
  close(): void
}

/**
 * Takes noise out of a voice, and softens what is left of it between the words. The sound comes out 10 ms late: the gate
 * hears of a frame while the one before goes out, so it is open when a word begins.
 */
export const createVoiceFilter = (denoiser: Denoiser): VoiceFilter => {
  const samples = new Float32Array(FRAME_SAMPLES)
  const gate = createVoiceGate()
  let gain = 0
  return {
    process: (frame) => {
      samples.set(frame)
      const probability = denoiser.process(samples)
      const next = gate(probability, powerDb(energyOf(samples), FRAME_SAMPLES))
      for (let i = 0; i < FRAME_SAMPLES; i++) {
        const sample = samples[i]! * (gain + ((next - gain) * i) / FRAME_SAMPLES)
        frame[i] = Math.max(-32768, Math.min(32767, Math.round(sample)))
      }
      gain = next
    },
    close: denoiser.close,
  }
}

const energyOf = (samples: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!
  return sum
}
