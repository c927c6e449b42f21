import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeAudio } from '../../../src/audio/files/decode.ts'
import { createFrame } from '../../../src/audio/frame.ts'
import { createWavSink } from '../../../src/audio/sinks/file.ts'
import { openSink, parseSinkSpec } from '../../../src/audio/sinks/sink.ts'
import { createStdoutSink } from '../../../src/audio/sinks/stdout.ts'
import { eventually } from '../../support/eventually.ts'
import { framesOf, sine } from '../../support/signals.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-sinks-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const read = async (path: string): Promise<Int16Array> => {
  const samples: number[] = []
  for await (const piece of decodeAudio(path)) samples.push(...piece)
  return Int16Array.from(samples)
}

describe('sink specifications', () => {
  it.each([
    ['none', { kind: 'none' }],
    ['stdout', { kind: 'stdout' }],
    ['file:a.WAV', { kind: 'file', path: 'a.WAV' }],
    ['Speakers', { kind: 'device', name: 'Speakers' }],
  ])('%s', (text, spec) => {
    expect(parseSinkSpec(text)).toEqual(spec)
  })

  it.each(['', 'file:', 'file:.wav', 'file:a.mp3'])('%j is refused', (text) => {
    expect(() => parseSinkSpec(text)).toThrow(expect.objectContaining({ code: 'bad-input' }))
  })
})

describe('wav file', () => {
  it('holds what was written, in mono and stereo', async () => {
    for (const channels of [1, 2] as const) {
      const path = join(folder, `whole-${channels}.wav`)
      const tone = sine({ hz: 440, ms: 300, channels })
      const sink = await createWavSink(path, { channels })
      for (const frame of framesOf(tone, channels)) sink.write(frame)
      await sink.close()
      expect(await read(path)).toEqual(tone)
    }
  })

  it('can be played while it is being written', async () => {
    const path = join(folder, 'live.wav')
    const sink = await createWavSink(path)
    const tone = sine({ hz: 440, ms: 500 })
    for (const frame of framesOf(tone)) sink.write(frame)
    await eventually(() => statSync(path).size > 44 && readFileSync(path).readUInt32LE(40) > 0, {
      withinMs: 5000,
      what: 'a patched header',
    })
    expect(await read(path)).toEqual(tone)
    expect(readFileSync(path).readUInt32LE(4)).toBe(statSync(path).size - 8)
    await sink.close()
  })

  it('is readable by its owner alone', async () => {
    const path = join(folder, 'own.wav')
    const sink = await createWavSink(path)
    sink.write(createFrame(1))
    await sink.close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('leaves nothing, and what was there as it was, when no sound comes', async () => {
    const fresh = join(folder, 'fresh.wav')
    await (await createWavSink(fresh)).close()
    expect(existsSync(fresh)).toBe(false)
    const old = join(folder, 'old.wav')
    writeFileSync(old, 'x'.repeat(100_000))
    await (await createWavSink(old)).close()
    expect(readFileSync(old, 'utf8')).toBe('x'.repeat(100_000))
    const sink = await createWavSink(old)
    const tone = sine({ hz: 440, ms: 100 })
    for (const frame of framesOf(tone)) sink.write(frame)
    await sink.close()
    expect(await read(old)).toEqual(tone)
    expect(statSync(old).size).toBe(44 + tone.byteLength)
  })

  it('says in one sentence why it cannot be made', async () => {
    await expect(createWavSink(join(folder, 'no', 'such.wav'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('its folder does not exist'),
    })
    await expect(createWavSink(folder)).rejects.toMatchObject({ code: 'disk' })
  })

  it.skipIf(process.platform !== 'linux')('says so when the disk is full', async () => {
    await expect(createWavSink('/dev/full')).rejects.toMatchObject({
      code: 'disk',
      message: expect.stringContaining('the disk is full'),
    })
  })
})

describe('stdout', () => {
  it('writes s16le', async () => {
    const stream = new PassThrough()
    const sink = await openSink('stdout', { stdout: stream, openSpeaker: () => Promise.reject(new Error('no device')) })
    const tone = sine({ hz: 440, ms: 50 })
    for (const frame of framesOf(tone)) sink.write(frame)
    await sink.close()
    const bytes = stream.read() as Buffer
    expect(Int16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i))).toEqual(tone)
  })

  it('drops what a slow reader does not take, and counts it', () => {
    const stuck = new Writable({ write: () => {} })
    const sink = createStdoutSink(stuck)
    for (const frame of framesOf(sine({ hz: 440, ms: 3000 }))) sink.write(frame)
    expect(sink.droppedFrames()).toBeGreaterThan(150)
    expect(stuck.writableLength).toBeLessThan(100_000)
  })

  it('tells once that its reader went, and never throws', async () => {
    let closed = 0
    const broken = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    })
    const sink = createStdoutSink(broken, { onClosed: () => closed++ })
    for (const frame of framesOf(sine({ hz: 440, ms: 50 }))) sink.write(frame)
    await eventually(() => closed === 1, { withinMs: 1000, what: 'the closed pipe is told' })
    sink.write(sine({ hz: 440, ms: 10 }))
    await sink.close()
    expect(closed).toBe(1)
  })
})
