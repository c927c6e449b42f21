import { describe, expect, it } from 'vitest'
import { createFrame } from '../../../src/audio/frame.ts'
import { levelDb, peakDb } from '../../../src/audio/level.ts'
import { createMixer } from '../../../src/audio/mixer.ts'
import { createOpusDecoder, createOpusEncoder } from '../../../src/audio/opus.ts'
import { music } from '../../support/music.ts'
import { framesOf } from '../../support/signals.ts'

const played = music({ seconds: 4, peakDb: -1.6 })

/** Frame by frame, what a track in stereo becomes in the mix of one. */
const mixed = (track: Int16Array[]): Int16Array[] => {
  const mixer = createMixer({ channels: 2 })
  return track.map((frame) => {
    mixer.input('music').push(frame, 48_000, 2)
    const out = createFrame(2)
    mixer.pull(out)
    return out
  })
}

describe('a loud track in stereo, under -1.5 dBFS', () => {
  it('passes sample by sample, but for the fade at its start', () => {
    const frames = framesOf(played, 2)
    expect(mixed(frames).slice(1)).toEqual(frames.slice(1))
  })

  it('whose peaks Opus has raised to full scale changes by 0.5 dB at most, in any 10 ms', async () => {
    const encoder = await createOpusEncoder({ channels: 2, bitrate: 96_000 })
    const decoder = await createOpusDecoder({ channels: 2 })
    const packets = Array.from({ length: played.length / 1920 }, (_, i) =>
      encoder.encode(played.subarray(i * 1920, (i + 1) * 1920)),
    )
    const frames = packets.flatMap((packet) => framesOf(decoder.decode(packet), 2))
    for (const { close } of [encoder, decoder]) close()
    expect(Math.max(...frames.map(peakDb))).toBeGreaterThan(-0.5)
    for (const [i, frame] of mixed(frames).entries())
      if (i > 0) expect(Math.abs(levelDb(frame) - levelDb(frames[i]!)), `${i * 10} ms`).toBeLessThanOrEqual(0.5)
  })
})
