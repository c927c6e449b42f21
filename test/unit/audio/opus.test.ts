import { describe, expect, it } from 'vitest'
import { levelDb } from '../../../src/audio/level.ts'
import { createOpusDecoder, createOpusEncoder, opusEngine, opusPacketSamples } from '../../../src/audio/opus.ts'
import { framesOf, signalToNoiseDb, sine } from '../../support/signals.ts'

const roundTrip = async (engine: 'native' | 'wasm', channels: 1 | 2) => {
  const encoder = await createOpusEncoder({ channels, bitrate: 64_000 * channels, engine })
  const decoder = await createOpusDecoder({ channels, engine })
  const out = framesOf(sine({ hz: 440, ms: 1000, channels }), channels).map((frame) =>
    decoder.decode(encoder.encode(frame)).slice(),
  )
  encoder.close()
  decoder.close()
  return Int16Array.from(out.flatMap((frame) => [...frame])).filter((_, i) => i % channels === 0)
}

const nativeHere = (await opusEngine()) === 'native'

describe.each(['native', 'wasm'] as const)('opus (%s)', (engine) => {
  const test = it.skipIf(engine === 'native' && !nativeHere)

  test('brings a tone through at its level', async () => {
    for (const channels of [1, 2] as const) {
      const heard = await roundTrip(engine, channels)
      expect(heard.length).toBe(48_000)
      expect(levelDb(heard.subarray(4800))).toBeCloseTo(-20, 0)
      expect(signalToNoiseDb(heard.subarray(4800), 440)).toBeGreaterThan(20)
    }
  })

  test('refuses lengths that would abort the process', async () => {
    const encoder = await createOpusEncoder({ channels: 1, engine })
    for (const length of [0, 1, 441, 479, 481, 5760]) {
      expect(() => encoder.encode(new Int16Array(length))).toThrow(expect.objectContaining({ code: 'bad-frame' }))
    }
    for (const length of [120, 240, 480, 960, 1920, 2880]) {
      expect(encoder.encode(new Int16Array(length)).length).toBeGreaterThan(0)
    }
    encoder.close()
  })

  test('refuses broken packets and goes on after them', async () => {
    const encoder = await createOpusEncoder({ channels: 1, engine })
    const decoder = await createOpusDecoder({ channels: 1, engine })
    for (const packet of [new Uint8Array(0), new Uint8Array(9999), Uint8Array.of(255, 255, 255)]) {
      expect(() => decoder.decode(packet)).toThrow(expect.objectContaining({ code: 'bad-packet' }))
    }
    expect(decoder.decode(encoder.encode(sine({ hz: 440, ms: 10 }))).length).toBe(480)
    encoder.close()
    decoder.close()
  })

  test('keeps many codecs at once apart', async () => {
    const tones = Array.from({ length: 24 }, (_, i) => 300 + 50 * i)
    const pairs = await Promise.all(
      tones.map(async (hz) => ({
        hz,
        encoder: await createOpusEncoder({ channels: 1, bitrate: 64_000, engine }),
        decoder: await createOpusDecoder({ channels: 1, engine }),
        frames: framesOf(sine({ hz, ms: 500 })),
        heard: [] as number[],
      })),
    )
    for (let at = 0; at < 50; at++) {
      for (const pair of pairs) pair.heard.push(...pair.decoder.decode(pair.encoder.encode(pair.frames[at]!)))
    }
    for (const pair of pairs) {
      expect(signalToNoiseDb(pair.heard.slice(4800), pair.hz)).toBeGreaterThan(15)
      pair.encoder.close()
      pair.decoder.close()
    }
  })
})

describe('opus', () => {
  it('refuses impossible settings in one sentence', async () => {
    for (const options of [{ channels: 3 }, { channels: 1, bitrate: 1 }, { channels: 1, bitrate: Number.NaN }]) {
      await expect(createOpusEncoder(options as never)).rejects.toMatchObject({ code: 'bad-input' })
    }
  })

  it('tells the length of a packet by its first bytes', async () => {
    const encoder = await createOpusEncoder({ channels: 1 })
    for (const samples of [120, 240, 480, 960, 1920, 2880]) {
      expect(opusPacketSamples(encoder.encode(sine({ hz: 440, ms: samples / 48 })))).toBe(samples)
    }
    expect(opusPacketSamples(new Uint8Array(0))).toBe(0)
  })
})
