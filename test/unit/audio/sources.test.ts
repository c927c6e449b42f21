import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type AudioSource, createFrame } from '../../../src/audio/frame.ts'
import { levelDb } from '../../../src/audio/level.ts'
import { openSource, parseSourceSpec } from '../../../src/audio/sources/source.ts'
import { createStdinSource } from '../../../src/audio/sources/stdin.ts'
import { createToneSource } from '../../../src/audio/sources/tone.ts'
import { frequencyOf } from '../../../src/audio/spectrum.ts'
import { eventually } from '../../support/eventually.ts'
import { signalToNoiseDb, sine } from '../../support/signals.ts'

const read = (source: AudioSource, frames: number): Int16Array => {
  const samples: number[] = []
  const frame = createFrame(source.channels)
  for (let i = 0; i < frames; i++) {
    source.read(frame)
    samples.push(...frame)
  }
  return Int16Array.from(samples)
}

describe('source specifications', () => {
  it.each([
    ['none', { kind: 'none' }],
    ['stdin', { kind: 'stdin' }],
    ['tone:440', { kind: 'tone', hz: 440, levelDb: -20 }],
    ['tone:997.5@-6', { kind: 'tone', hz: 997.5, levelDb: -6 }],
    ['file:/a b/c.opus', { kind: 'file', path: '/a b/c.opus' }],
    ['USB Audio: Mic', { kind: 'device', name: 'USB Audio: Mic' }],
  ])('%s', (text, spec) => {
    expect(parseSourceSpec(text)).toEqual(spec)
  })

  it.each(['', '  ', 'tone:', 'tone:a', 'tone:5', 'tone:440@', 'tone:440@3', 'tone:440@-200', 'tone:99999', 'file:'])(
    '%j is refused in one sentence',
    (text) => {
      expect(() => parseSourceSpec(text)).toThrow(
        expect.objectContaining({ code: 'bad-input', message: expect.stringMatching(/^[A-Za-z].*\.$/) }),
      )
    },
  )

  it('leaves device names to whoever knows devices', async () => {
    const asked: string[] = []
    const device = createToneSource({ hz: 440 })
    const openMicrophone = async (name: string) => {
      asked.push(name)
      return device
    }
    expect(await openSource('Headset', { stdin: new PassThrough(), openMicrophone })).toBe(device)
    expect(asked).toEqual(['Headset'])
  })
})

describe('tone', () => {
  it('is a clean sine at its level, without seams between frames', () => {
    const heard = read(createToneSource({ hz: 441.7 }), 200)
    expect(levelDb(heard)).toBeCloseTo(-20, 1)
    expect(frequencyOf(heard)).toBeCloseTo(441.7, 1)
    expect(signalToNoiseDb(heard, 441.7)).toBeGreaterThan(70)
  })
})

describe('stdin', () => {
  it('plays bytes cut anywhere, and ends with the stream', async () => {
    const stream = new PassThrough()
    const source = createStdinSource(stream)
    const tone = sine({ hz: 440, ms: 105 })
    const bytes = Buffer.from(tone.buffer)
    for (let at = 0; at < bytes.length; at += 333) stream.write(bytes.subarray(at, at + 333))
    stream.end()
    const frame = createFrame(1)
    const heard: number[] = []
    let result = source.read(frame)
    await eventually(
      () => {
        if (result !== 'starved') heard.push(...frame)
        if (result === 'ended') return true
        result = source.read(frame)
        return false
      },
      { withinMs: 2000, everyMs: 1, what: 'the end' },
    )
    expect(Int16Array.from(heard.slice(0, tone.length))).toEqual(tone)
    expect(heard.slice(tone.length).every((sample) => sample === 0)).toBe(true)
    await source.close()
  })

  it('is starved, not ended, while nothing comes', async () => {
    const source = createStdinSource(new PassThrough())
    expect(source.read(createFrame(1))).toBe('starved')
    await source.close()
  })

  it('reads no further ahead than it may', async () => {
    const stream = new PassThrough({ highWaterMark: 1024 })
    const source = createStdinSource(stream)
    let written = 0
    while (stream.write(Buffer.alloc(1024)) && written < 500) written++
    const feed = setInterval(() => {
      for (let i = 0; i < 50 && stream.writableLength < 4096; i++) stream.write(Buffer.alloc(4096))
    }, 1)
    await eventually(() => stream.writableLength >= 4096 && stream.readableLength > 0, {
      withinMs: 5000,
      what: 'a full pipe',
    })
    clearInterval(feed)
    expect(source.read(createFrame(1))).toBe('frame')
    await source.close()
  })
})
