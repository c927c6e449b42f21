import { describe, expect, it } from 'vitest'
import { createFrameAdapter, createResampler } from '../../../src/audio/resample.ts'
import { floatSine, signalToNoiseDb, sine } from '../../support/signals.ts'

const resample = (input: Float32Array, fromRate: number, chunk: number): Float32Array => {
  const resampler = createResampler(fromRate)
  const parts: Float32Array[] = []
  for (let at = 0; at < input.length; at += chunk) parts.push(resampler.process(input.subarray(at, at + chunk)).slice())
  parts.push(resampler.flush().slice())
  return Float32Array.from(parts.flatMap((part) => [...part]))
}

describe('resampler', () => {
  for (const rate of [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 88_200, 96_000, 192_000]) {
    it(`brings ${rate} Hz to 48 kHz with at least 90 dB signal to noise, at the same time and length`, () => {
      for (const hz of [997, Math.min(10_000, 0.35 * rate)]) {
        const output = resample(floatSine({ hz, ms: 480, sampleRate: rate, levelDb: -6 }), rate, 441)
        expect(Math.abs(output.length - 23_040)).toBeLessThanOrEqual(1)
        expect(signalToNoiseDb(output.subarray(2000, 22_000), hz)).toBeGreaterThan(90)
        // Against the ideal sine, sample for sample: any delay would show.
        const ideal = floatSine({ hz, ms: 480, levelDb: -6 })
        const errors = ideal.subarray(2000, 22_000).map((sample, i) => Math.abs(sample - output[2000 + i]!))
        expect(Math.max(...errors.subarray(0, 5000))).toBeLessThan(1e-3)
      }
    })
  }

  it('keeps what a lower rate cannot carry out of the result', () => {
    const output = resample(floatSine({ hz: 30_000, ms: 300, sampleRate: 96_000, levelDb: -6 }), 96_000, 960)
    const power = output.subarray(2000, 12_000).reduce((sum, sample) => sum + sample * sample, 0) / 10_000
    expect(10 * Math.log10(power)).toBeLessThan(-90)
  })

  it('gives the same whatever the chunk size', () => {
    const input = floatSine({ hz: 440, ms: 200, sampleRate: 44_100 })
    expect(resample(input, 44_100, 7)).toEqual(resample(input, 44_100, 4096))
  })

  it('is fast enough for a room full of streams', () => {
    const input = floatSine({ hz: 440, ms: 10_000, sampleRate: 44_100 })
    // Its own time on the processor, which others' work beside it does not lengthen.
    const before = process.cpuUsage()
    createResampler(44_100).process(input)
    const { user, system } = process.cpuUsage(before)
    expect(10_000 / ((user + system) / 1000)).toBeGreaterThan(30)
  })
})

describe('frame adapter', () => {
  const collect = (channels: 1 | 2) => {
    const frames: Int16Array[] = []
    return { frames, adapter: createFrameAdapter(channels, (frame) => frames.push(frame.slice())) }
  }

  it('passes 48 kHz frames through untouched', () => {
    const { frames, adapter } = collect(1)
    const input = sine({ hz: 440, ms: 10 })
    adapter.push(input, 48_000, 1)
    expect(frames).toEqual([input])
  })

  it('follows a stream that starts at 16 kHz mono and goes on at 48 kHz stereo', () => {
    const { frames, adapter } = collect(2)
    for (let i = 0; i < 10; i++) adapter.push(sine({ hz: 400, ms: 10, sampleRate: 16_000 }), 16_000, 1)
    for (let i = 0; i < 10; i++) adapter.push(sine({ hz: 400, ms: 10, channels: 2 }), 48_000, 2)
    expect(frames.length).toBeGreaterThanOrEqual(19)
    expect(frames.every((frame) => frame.length === 960)).toBe(true)
    const left = Int16Array.from({ length: 480 }, (_, i) => frames[5]![2 * i]!)
    expect(signalToNoiseDb(left, 400)).toBeGreaterThan(50)
  })

  it('averages stereo into mono', () => {
    const { frames, adapter } = collect(1)
    adapter.push(
      Int16Array.from({ length: 960 }, (_, i) => (i % 2 ? 1000 : 3000)),
      48_000,
      2,
    )
    expect(frames[0]!.every((sample) => sample === 2000)).toBe(true)
  })
})
