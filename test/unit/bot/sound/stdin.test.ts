import { readFileSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { frequencyOf } from '../../../../src/audio/spectrum.ts'
import { createStdin } from '../../../../src/bot/sound/stdin.ts'
import { sine } from '../../../support/signals.ts'
import { wavBytes } from '../../../support/wav-bytes.ts'

const fixture = (name: string) => readFileSync(new URL(`../../../support/fixtures/${name}`, import.meta.url))
const bytesOf = (samples: Int16Array) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)

/** As a pipe gives it: in pieces that cut samples and frames in two. */
const piped = (bytes: Buffer) =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += 1001) yield bytes.subarray(at, at + 1001)
    })(),
  )

const play = async (
  stdin: ReturnType<typeof createStdin>,
  { channels = 1, ms = 60_000 }: { channels?: 1 | 2; ms?: number } = {},
) => {
  const sound = await stdin.open(channels)
  const pieces: Int16Array[] = []
  let length = 0
  for await (const piece of sound.pcm()) {
    pieces.push(piece)
    length += piece.length
    if (length >= ms * 48 * channels) break
  }
  await sound.close()
  return Int16Array.from(pieces.flatMap((piece) => [...piece]))
}

describe('standard input', () => {
  it.each(['tone.opus', 'tone.ogg', 'tone.mp3', 'tone.flac'])('is known by its content: %s', async (name) => {
    const samples = await play(createStdin(piped(fixture(name))), { channels: 2 })
    expect(Math.abs(samples.length / 2 - 144_000)).toBeLessThan(2_500)
    expect(frequencyOf(samples.filter((_, i) => i % 2 === 0).subarray(4800))).toBeCloseTo(440, 0)
  })

  it('may be WAV whose length its writer did not know', async () => {
    const tone = sine({ hz: 440, ms: 700 })
    expect(await play(createStdin(piped(wavBytes(bytesOf(tone), { declaredBytes: 0xffffffff }))))).toEqual(tone)
  })

  it('is raw sound else, s16le at 48 kHz, on both sides where asked', async () => {
    const tone = sine({ hz: 440, ms: 700 })
    expect(await play(createStdin(piped(bytesOf(tone))))).toEqual(tone)
    const both = await play(createStdin(piped(bytesOf(tone))), { channels: 2 })
    expect(both.filter((_, i) => i % 2 === 1)).toEqual(tone)
  })

  it('goes on where it was when it is opened again, and loses nothing', async () => {
    const tone = sine({ hz: 440, ms: 2_000 })
    const stdin = createStdin(piped(bytesOf(tone)))
    const first = await play(stdin, { ms: 500 })
    const rest = await play(stdin)
    expect(Int16Array.from([...first, ...rest])).toEqual(tone)
  })

  it('that gives nothing for long is closed at once', async () => {
    const pipe = new PassThrough()
    pipe.write(bytesOf(sine({ hz: 440, ms: 300 })))
    const stdin = createStdin(pipe)
    const sound = await stdin.open(1)
    const pcm = sound.pcm()
    let length = 0
    while (length < 14_400) length += (await pcm.next()).value!.length
    const waiting = pcm.next()
    await sound.close()
    expect((await waiting).done).toBe(true)
    pipe.end(bytesOf(sine({ hz: 880, ms: 300 })))
    expect(await play(stdin)).toHaveLength(14_400)
  })

  it.each([
    ['is empty', Buffer.alloc(0), /ended without any sound/],
    ['is a web page', Buffer.from(`<!doctype html>${' '.repeat(500)}`), /not audio that we know/],
    ['is an MP4', Buffer.concat([Buffer.from('\0\0\0 ftypM4A '), Buffer.alloc(500)]), /played from a file only/],
    ['is broken', Buffer.from('fLaC nothing of the kind'), /broken FLAC header/],
  ])('that %s is refused in one sentence, each time', async (_, bytes, message) => {
    const stdin = createStdin(piped(bytes))
    for (let round = 0; round < 2; round++)
      await expect(stdin.open(1)).rejects.toMatchObject({ code: 'not-audio', message: expect.stringMatching(message) })
  })

  it('is there only once at a time, and only if it is given', async () => {
    const stdin = createStdin(piped(bytesOf(sine({ hz: 440, ms: 700 }))))
    await stdin.open(1)
    await expect(stdin.open(1)).rejects.toThrow('only once at a time')
    await expect(createStdin(undefined).open(1)).rejects.toThrow('no standard input')
  })
})
