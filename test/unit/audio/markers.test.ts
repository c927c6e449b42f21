import { describe, expect, it } from 'vitest'
import { createFrame } from '../../../src/audio/frame.ts'
import { createMarkerSource, findMarkers } from '../../../src/audio/markers.ts'
import { createOpusDecoder, createOpusEncoder } from '../../../src/audio/opus.ts'
import { sine } from '../../support/signals.ts'

const play = (options: Parameters<typeof createMarkerSource>[0], ms: number): Int16Array[] => {
  const source = createMarkerSource(options)
  return Array.from({ length: ms / 10 }, () => {
    const frame = createFrame(1)
    source.read(frame)
    return frame
  })
}

const join = (frames: Int16Array[]) => Int16Array.from(frames.flatMap((frame) => [...frame]))

describe('markers', () => {
  it('are found where they were put, whoever sent them', () => {
    for (const id of [0, 1, 7, 15]) {
      const found = findMarkers(join(play({ everyMs: 500, id, firstMs: 123 }, 2000)))
      expect(found.map((marker) => marker.id)).toEqual([id, id, id, id])
      found.forEach((marker, i) => {
        expect(Math.abs(marker.atMs - (123 + 500 * i))).toBeLessThan(0.1)
      })
    }
  })

  it('survive Opus, noise and another level within a millisecond', async () => {
    const encoder = await createOpusEncoder({ channels: 1, bitrate: 32_000, application: 'voip' })
    const decoder = await createOpusDecoder({ channels: 1 })
    let seed = 1
    const noise = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return (seed / 2 ** 31 - 0.5) * 400
    }
    const frames = play({ everyMs: 1000, id: 3, firstMs: 400 }, 5000)
    const decoded = join(
      frames.map((frame) => decoder.decode(encoder.encode(frame.map((sample) => sample / 3 + noise()))).slice()),
    )
    const found = findMarkers(decoded)
    expect(found.map((marker) => marker.id)).toEqual([3, 3, 3, 3, 3])
    // The codec's own look-ahead is 6.5 ms; it delays all markers alike.
    const delays = found.map((marker, i) => marker.atMs - 400 - 1000 * i)
    for (const delayMs of delays) expect(Math.abs(delayMs - 6.5)).toBeLessThan(1)
    encoder.close()
    decoder.close()
  })

  it('are told apart when two sound in one room', () => {
    const one = join(play({ everyMs: 500, id: 2 }, 2000))
    const other = join(play({ everyMs: 500, id: 9, firstMs: 210 }, 2000))
    const found = findMarkers(one.map((sample, i) => sample + other[i]!))
    expect(found.filter((marker) => marker.id === 2)).toHaveLength(4)
    expect(found.filter((marker) => marker.id === 9)).toHaveLength(4)
  })

  it('are not heard in tones, noise or silence', () => {
    let seed = 7
    const noise = Int16Array.from({ length: 96_000 }, () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return (seed / 2 ** 31 - 0.5) * 20_000
    })
    for (const samples of [sine({ hz: 1500, ms: 2000 }), noise, new Int16Array(48_000)]) {
      expect(findMarkers(samples)).toEqual([])
    }
  })
})
