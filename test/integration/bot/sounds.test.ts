import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { frequencyOf } from '../../../src/audio/spectrum.ts'
import type { PlannedSound } from '../../../src/bot/program/contract.ts'
import { createSounds, type SoundsOptions } from '../../../src/bot/sound/sounds.ts'
import { sine } from '../../support/signals.ts'
import { startHttp, toneBytes } from '../../support/station.ts'
import { wavBytes } from '../../support/wav-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-sounds-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fixture = (name: string) => new URL(`../../support/fixtures/${name}`, import.meta.url).pathname
const tone = (hz: number, ms: number) => wavBytes(Buffer.from(sine({ hz, ms }).buffer))
const save = (name: string, bytes: Buffer) => {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}

const sounds = (more: Partial<SoundsOptions> = {}) =>
  createSounds({
    cacheFolder: join(folder, 'cache'),
    speech: { engine: { kind: 'flite' }, voice: 'slt', stretch: 1 },
    ...more,
  })
const fileSource = (path: string) => ({ kind: 'item', item: { kind: 'file', path } }) as const
const planned = (source: PlannedSound['source']): PlannedSound => ({
  ...{ id: '1', cue: 'one', layer: 'voice', source, title: null, artist: null, durationMs: null, gainDb: 0 },
})

describe('flite', () => {
  it('speaks what is asked for together, and has it at once from then on', async () => {
    const all = sounds()
    const texts = ['Welcome.', 'Sit down, and let your hands rest.', 'One.']
    const facts = await Promise.all(texts.map((text) => all.factsOf({ kind: 'speech', text })))
    expect(facts.map(({ durationMs }) => durationMs! > 300)).toEqual([true, true, true])
    expect(facts[1]!.durationMs).toBeGreaterThan(2 * facts[0]!.durationMs!)
    expect(facts[0]!.lufs).toBeGreaterThan(-40)

    // With warm caches no process is started: there is none to be found.
    const warm = sounds({ entries: { speech: '/nowhere.js', measure: '/nowhere.js' }, isOnAir: true })
    expect(await Promise.all(texts.map((text) => warm.factsOf({ kind: 'speech', text })))).toEqual(facts)
    const opened = await warm.open(planned({ kind: 'speech', text: 'One.' }), { startMs: 0, channels: 2 })
    let samples = 0
    for await (const piece of opened.pcm()) samples += piece.length / 2
    await opened.close()
    expect(samples / 48).toBeCloseTo(facts[2]!.durationMs!, 0)
  })

  it('has no voice of that name, and says which it has', async () => {
    await expect(sounds().factsOf({ kind: 'speech', text: 'Hello.', voice: 'nobody' })).rejects.toMatchObject({
      code: 'bad-input',
      message: 'The speech engine flite has no voice nobody; it has slt, rms, awb, kal, kal16.',
    })
  })
})

describe('on air', () => {
  it('files are measured by another process, as they are here', async () => {
    const paths = ['tone.opus', 'tone.mp3', 'speech.opus'].map(fixture)
    const here = sounds({ cacheFolder: join(folder, 'here') })
    const there = sounds({ cacheFolder: join(folder, 'there'), isOnAir: true })
    const facts = await Promise.all(paths.map((path) => there.factsOf(fileSource(path))))
    expect(facts).toEqual(await Promise.all(paths.map((path) => here.factsOf(fileSource(path)))))
    await expect(there.factsOf(fileSource(join(folder, 'gone.mp3')))).rejects.toMatchObject({ code: 'not-found' })
    await there.close()
    // Asked again it is started again.
    expect((await there.factsOf(fileSource(save('late.wav', tone(440, 300))))).durationMs).toBe(300)
    await there.close()
  })

  it('a process that cannot be started is told in a sentence', async () => {
    const all = sounds({ isOnAir: true, entries: { measure: '/nowhere.js' } })
    await expect(all.factsOf(fileSource(save('new.wav', tone(333, 350))))).rejects.toThrow(
      /new\.wav could not be measured: the process that measured it ended/,
    )
  })

  it.each([
    ['deleted', (path: string) => rmSync(path)],
    ['replaced', (path: string) => renameSync(save('other.wav', tone(880, 5_000)), path)],
  ])('a file that is %s while it plays is heard to its end', async (_, change) => {
    const path = save('playing.wav', tone(440, 5_000))
    const opened = await sounds().open(planned(fileSource(path)), { startMs: 0, channels: 1 })
    const pcm = opened.pcm()
    const first = (await pcm.next()).value!
    change(path)
    const pieces: Int16Array[] = [first]
    for await (const piece of pcm) pieces.push(piece)
    await opened.close()
    const samples = Int16Array.from(pieces.flatMap((piece) => [...piece]))
    expect(samples.length).toBe(240_000)
    expect(frequencyOf(samples.subarray(-48_000))).toBeCloseTo(440, 0)
    expect(opened.warning()).toBeUndefined()
  })

  it('a file that is cut short while it plays says so, and one that is gone before cannot be opened', async () => {
    const path = save('cut.wav', tone(440, 60_000))
    const opened = await sounds().open(planned(fileSource(path)), { startMs: 0, channels: 1 })
    const pcm = opened.pcm()
    await pcm.next()
    writeFileSync(path, tone(440, 1_000))
    let length = 0
    for await (const piece of pcm) length += piece.length
    await opened.close()
    expect(length).toBeLessThan(60_000 * 48)
    expect(opened.warning()).toMatch(/cut\.wav is truncated/)
    rmSync(path)
    await expect(sounds().open(planned(fileSource(path)), { startMs: 0, channels: 1 })).rejects.toThrow(
      `There is no file ${path}.`,
    )
  })
})

describe('a station without ffmpeg', () => {
  it.each([
    [
      'of AAC',
      'audio/aac',
      () => toneBytes([{ hz: 440, seconds: 2 }], ['-f', 'adts']),
      /is AAC; it can be played once/,
    ],
    [
      'of HLS',
      'application/x-mpegurl',
      () => '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n',
      /is an HLS list .* once/,
    ],
  ])('%s is refused with the remedy', async (_, type, make, message) => {
    const body = make()
    const server = await startHttp((_, response) => response.writeHead(200, { 'content-type': type }).end(body))
    vi.stubEnv('PATH', folder)
    const source = { kind: 'item', item: { kind: 'url', url: server.url } } as const
    await expect(sounds().factsOf(source)).rejects.toMatchObject({
      code: 'not-audio',
      message: expect.stringMatching(message),
    })
    vi.unstubAllEnvs()
    await server.close()
  })
})

describe('MP4 without ffmpeg', () => {
  it('is refused with the remedy', async () => {
    const path = join(folder, 'a.m4a')
    writeFileSync(path, Buffer.concat([Buffer.from('\0\0\0 ftypM4A '), Buffer.alloc(500)]))
    vi.stubEnv('PATH', folder)
    await expect(sounds().factsOf(fileSource(path))).rejects.toMatchObject({
      code: 'not-audio',
      message: `${path} is an MP4 file; it can be played once ffmpeg is installed, or as Opus, Vorbis, MP3, FLAC or WAV.`,
    })
    vi.unstubAllEnvs()
  })
})
