import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { decodeAudio } from '../../../../src/audio/files/decode.ts'
import { frequencyOf } from '../../../../src/audio/spectrum.ts'
import { createSpeechCache } from '../../../../src/bot/sound/speech-cache.ts'
import { isLive, spokenNow, withoutPlaceholders } from '../../../../src/bot/sound/spoken.ts'
import { eventually } from '../../../support/eventually.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-speech-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Speaks as a real engine does, by a tone: 100 Hz for each letter of the text. Each run is noted. */
const engine = join(folder, 'engine.mjs')
const runs = join(folder, 'runs')
writeFileSync(
  engine,
  `import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
const [out, ...args] = process.argv.slice(2)
const text = readFileSync(0, 'utf8')
appendFileSync(${JSON.stringify(runs)}, JSON.stringify({ text, args }) + '\\n')
const samples = Int16Array.from({ length: 22050 }, (_, i) => 8000 * Math.sin((2 * Math.PI * 100 * text.length * i) / 22050))
const head = Buffer.from('RIFF\\0\\0\\0\\0WAVEfmt \\x10\\0\\0\\0\\x01\\0\\x01\\0\\0\\0\\0\\0\\0\\0\\0\\0\\x02\\0\\x10\\0data\\0\\0\\0\\0', 'latin1')
head.writeUInt32LE(22050, 24)
head.writeUInt32LE(44100, 28)
head.writeUInt32LE(samples.byteLength, 40)
const wav = Buffer.concat([head, Buffer.from(samples.buffer)])
if (out === '-') process.stdout.write(wav)
else writeFileSync(out, wav)
`,
)

let cacheFolder: string
beforeEach(() => {
  cacheFolder = mkdtempSync(join(folder, 'cache-'))
  writeFileSync(runs, '')
})
const runsSoFar = () =>
  readFileSync(runs, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

const speechBy = (command: string[], withinMs?: number) =>
  createSpeechCache({
    cacheFolder,
    settings: { engine: { kind: 'command', command }, voice: 'en', stretch: 1.1 },
    withinMs,
  })
const toneEngine = [process.execPath, engine, '{out}', '{voice}', '{stretch}', '{text}']

const hzOf = async (path: string) => {
  const pieces: Int16Array[] = []
  for await (const piece of decodeAudio(path)) pieces.push(piece)
  return frequencyOf(pieces[0]!)
}

describe('a command as speech engine', () => {
  it('gets the text by its arguments and its standard input, without a shell, and writes a file', async () => {
    const text = 'a; "b" $(c)'
    expect(await hzOf(await speechBy(toneEngine).fileOf(text))).toBeCloseTo(1100, 0)
    expect(runsSoFar()).toEqual([{ text, args: ['en', '1.1', text] }])
  })

  it('may print its sound', async () => {
    expect(await hzOf(await speechBy([process.execPath, engine, '-']).fileOf('four'))).toBeCloseTo(400, 0)
  })

  it('speaks each text once for each voice, also for later processes', async () => {
    const speech = speechBy(toneEngine)
    const [first, again] = await Promise.all([speech.fileOf('one'), speech.fileOf('one'), speech.fileOf('two!')])
    expect(again).toBe(first)
    expect(await speechBy(toneEngine).fileOf('one')).toBe(first)
    expect(await speech.fileOf('one', 'de')).not.toBe(first)
    expect(runsSoFar()).toHaveLength(3)
    expect(readdirSync(cacheFolder)).toHaveLength(3)
  })

  it.each([
    ['is not there', ['/nowhere/speak'], /\/nowhere\/speak is not there: install it/],
    [
      'fails',
      ['sh', '-c', 'echo "no voice of that name" >&2; exit 3'],
      /ended with exit code 3: no voice of that name\.$/,
    ],
    ['is killed', ['sh', '-c', 'kill -9 $$'], /ended with SIGKILL\.$/],
    ['says nothing', ['true'], /gave no sound\.$/],
    ['writes no sound', ['sh', '-c', 'echo hello > "$0"', '{out}'], /what it wrote cannot be played/],
  ])('that %s is told in one sentence', async (_, command, message) => {
    await expect(speechBy(command).fileOf('hello')).rejects.toMatchObject({
      code: 'speech-failed',
      message: expect.stringMatching(message),
    })
    expect(readdirSync(cacheFolder)).toEqual([])
  })

  it('that hangs is ended with its children', async () => {
    const pids = join(folder, 'pids')
    const command = ['sh', '-c', `sleep 600 & echo $! > ${pids}; wait`]
    await expect(speechBy(command, 500).fileOf('hello')).rejects.toMatchObject({
      code: 'speech-failed',
      message: expect.stringMatching(/did not speak 5 characters within 0\.5 s\.$/),
    })
    const pid = Number(readFileSync(pids, 'utf8'))
    // Ended, and at most still to be collected by its new parent.
    const isGone = () => !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    await eventually(isGone, { withinMs: 5000, what: 'the end of what the engine started' })
  })

  it('that takes long for one text does not hold up the others', async () => {
    const release = join(folder, 'release')
    const slow = `test "$1" != slow || until test -e ${release}; do sleep 0.02; done; shift; exec "$@"`
    const speech = speechBy(['sh', '-c', slow, 'sh', '{text}', ...toneEngine])
    const first = speech.fileOf('slow')
    await speech.fileOf('quick')
    writeFileSync(release, '')
    await first
  })

  it('is tried again after a failure', async () => {
    const flag = join(folder, 'works')
    const speech = speechBy(['sh', '-c', `test -e ${flag} && exec "$@"`, 'sh', ...toneEngine])
    await expect(speech.fileOf('hi')).rejects.toThrow()
    writeFileSync(flag, '')
    expect(await hzOf(await speech.fileOf('hi'))).toBeCloseTo(200, 0)
  })
})

describe('a text that is filled in on air', () => {
  const text = 'Welcome. {listeners} of us today.'

  it('is said with what is known', async () => {
    const fill = (raw: string) => raw.replace('{listeners}', '12')
    const { path, warning } = await spokenNow(speechBy(toneEngine), { text, fill })
    expect(warning).toBeUndefined()
    expect(await hzOf(path)).toBeCloseTo(100 * 'Welcome. 12 of us today.'.length, 0)
  })

  it.each([
    ['is not known', [process.execPath, engine, '{out}'], (raw: string) => raw, /\{listeners\} is not known/],
    [
      'comes too late',
      ['sh', '-c', 'case "$0" in *7*) sleep 60;; esac; exec "$@"', '{text}', ...toneEngine],
      (raw: string) => raw.replace('{listeners}', '7'),
      /not rendered in time/,
    ],
    [
      'cannot be spoken',
      ['sh', '-c', 'case "$0" in *7*) exit 1;; esac; exec "$@"', '{text}', ...toneEngine],
      (raw: string) => raw.replace('{listeners}', '7'),
      /exit code 1/,
    ],
  ])('is said without the sentence when it %s', async (_, command, fill, cause) => {
    const speech = speechBy(command)
    await speech.fileOf(withoutPlaceholders(text))
    const { path, warning } = await spokenNow(speech, { text, fill })
    expect(warning).toMatch(cause)
    expect(await hzOf(path)).toBeCloseTo(100 * 'Welcome.'.length, 0)
  })

  it('loses its sentence, or if it is the only one, the word', () => {
    expect(withoutPlaceholders(text)).toBe('Welcome.')
    expect(withoutPlaceholders('We are {listeners}, all of us.')).toBe('We are, all of us.')
    expect(isLive('Say {something}')).toBe(true)
    expect(isLive('It is {} or { x }')).toBe(false)
  })
})
