import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadScript } from '../../../../src/bot/script/load.ts'
import { factsOfScript } from '../../../../src/bot/sound/script-facts.ts'
import { createSounds } from '../../../../src/bot/sound/sounds.ts'
import { sine } from '../../../support/signals.ts'
import { wavBytes } from '../../../support/wav-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-script-facts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tone = (ms: number) => wavBytes(Buffer.from(sine({ hz: 440, ms }).buffer))

describe('the facts of a script', () => {
  it('cover all it plays and say, by place, what cannot be played', async () => {
    mkdirSync(join(folder, 'music'))
    writeFileSync(join(folder, 'music/1.wav'), tone(700))
    writeFileSync(join(folder, 'music/2.wav'), tone(900).subarray(0, 40_000))
    writeFileSync(join(folder, 'music/cover.txt'), 'a picture')
    writeFileSync(join(folder, 'small.wav'), tone(500))
    writeFileSync(join(folder, 'text.mp3'), 'no sound')
    const path = join(folder, 'all.session.yaml')
    writeFileSync(
      path,
      `session: all
room: {title: All}
speech: {command: [sh, -c, 'cp ${folder}/small.wav "$0"', '{out}']}
cues:
  - {at: 0:00, bell: small.wav}
  - {at: 0:10, say: "Hello."}
  - {at: 0:20, play: music/}
  - {at: 0:30, play: gone.mp3}
  - {at: 0:40, play: text.mp3}
`,
    )
    const script = await loadScript(path)
    const sounds = createSounds({ cacheFolder: join(folder, 'cache'), speech: script.speech })
    const { facts, problems, warnings } = await factsOfScript(script, sounds)
    await sounds.close()

    const files = facts.items({ kind: 'folder', path: join(folder, 'music') })
    expect(files).toEqual([1, 2].map((n) => ({ kind: 'file', path: join(folder, `music/${n}.wav`) })))
    expect(facts.sound({ kind: 'item', item: files[0]! })).toMatchObject({ durationMs: 700, channels: 1, title: '1' })
    expect(facts.sound({ kind: 'speech', text: 'Hello.', voice: null })?.durationMs).toBe(500)
    expect(facts.sound({ kind: 'item', item: { kind: 'file', path: join(folder, 'small.wav') } })?.lufs).toBeCloseTo(
      -20.7,
      1,
    )
    expect(facts.sound({ kind: 'shipped-bell' })?.durationMs).toBe(9000)
    expect(problems).toEqual([
      { place: expect.objectContaining({ line: 8 }), message: `There is no file ${join(folder, 'gone.mp3')}.` },
      { place: expect.objectContaining({ line: 9 }), message: expect.stringContaining('text.mp3 is not audio') },
    ])
    expect(warnings.map(({ place, message }) => [place.line, message.replace(folder, '')])).toEqual([
      [7, '/music/cover.txt is left out: it is not audio that can be played.'],
      [7, expect.stringMatching(/^\/music\/2\.wav is truncated/)],
    ])
  })
})
