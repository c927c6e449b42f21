import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeAudio, openDecoded } from '../../../src/audio/files/decode.ts'
import { documents } from '../../support/cli-schema.ts'
import { roomtone, throwawayHome } from '../../support/roomtone.ts'

let place: ReturnType<typeof throwawayHome>
let script: string
beforeAll(() => {
  place = throwawayHome()
  script = join(place.home, 'short.session.yaml')
  writeFileSync(
    script,
    'session: short\nroom: {title: Short}\ncues:\n  - {name: first, at: 0:00, bell: 1}\n  - {name: second, at: 0:12, bell: 1}\nend: 0:22\n',
  )
})
afterAll(() => place.close())

const bot = (...args: string[]) => roomtone(['bot', ...args], { home: place.home })
const soundOf = async (path: string) => {
  const { info, close } = await openDecoded(path)
  await close()
  const pieces: Int16Array[] = []
  for await (const piece of decodeAudio(path)) pieces.push(piece)
  return { info, first: pieces.flatMap((piece) => [...piece]).findIndex((sample) => Math.abs(sample) > 500) }
}

describe('bot render', () => {
  it('writes a session as Opus, as long as it is', async () => {
    const out = join(place.home, 'short.opus')
    const { code, stdout } = await bot('render', script, '-o', out, '--json')
    expect(code).toBe(0)
    const document = documents['bot render --json'].parse(JSON.parse(stdout))
    expect(document).toEqual({ file: out, durationMs: 22_000, channels: 1, warnings: [] })
    expect((await soundOf(out)).info).toMatchObject({ format: 'opus', durationMs: 22_000 })
  })

  it('writes a part of it as WAV', async () => {
    const out = join(place.home, 'part.wav')
    const { code, stdout } = await bot('render', script, '-o', out, '--from', '0:11', '--to', '14s')
    expect(code).toBe(0)
    expect(stdout).toContain('0:03')
    const { info, first } = await soundOf(out)
    expect(info.durationMs).toBe(3000)
    expect(Math.abs(first - 48_000)).toBeLessThan(480)
  })

  it('refuses in a sentence, and leaves no file', async () => {
    const out = join(place.home, 'none.wav')
    expect(await bot('render', script, '-o', out, '--from', 'third')).toMatchObject({
      code: 2,
      stderr: 'roomtone: --from: there is no cue "third"; there are first, second\n',
    })
    expect((await bot('render', script, '-o', join(place.home, 'a.mp3'))).code).toBe(2)
    expect((await bot('render', join(place.home, 'no.yaml'), '-o', out)).code).toBe(6)
    expect(existsSync(out)).toBe(false)
  })
})

it('bot preview plays a session four times as fast, from a cue on, and says what begins', async () => {
  const out = join(place.home, 'heard.wav')
  const { code, stderr } = await bot('preview', script, '--from', 'second', '--speed', '4', '--speaker', `file:${out}`)
  expect(code).toBe(0)
  expect(stderr).toContain('0:12  second')
  expect(readFileSync(out).length).toBeGreaterThan(44)
  const { info, first } = await soundOf(out)
  expect(info.durationMs).toBeGreaterThanOrEqual(2400)
  expect(first).toBeGreaterThanOrEqual(0)
  expect((await bot('preview', script, '--speed', 'fast')).code).toBe(2)
})
