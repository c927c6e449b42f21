import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { prepare } from '../../../../src/bot/program/prepare.ts'
import { loadScript } from '../../../../src/bot/script/load.ts'
import { createSounds } from '../../../../src/bot/sound/sounds.ts'
import { sine } from '../../../support/signals.ts'
import { wavBytes } from '../../../support/wav-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-script-facts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tone = (ms: number) => wavBytes(Buffer.from(sine({ hz: 440, ms }).buffer))

describe('a script that is prepared', () => {
  it('knows all it plays and says, by place, what cannot be played', async () => {
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
    const { plan, problems, notes } = await prepare(script, sounds, 'seed')
    await sounds.close()

    const lengths = plan.entries.map(({ content }) =>
      content.kind === 'sounds'
        ? content.sounds.map(({ title, durationMs }) => [title, Math.round(durationMs!)])
        : content.kind,
    )
    expect(lengths.slice(0, 3)).toEqual([
      'bell',
      [[null, 500]],
      [
        ['1', 700],
        ['2', 416],
      ],
    ])
    expect(problems.map(({ place, message }) => [place.line, message.replace(folder, '')])).toEqual([
      [8, 'There is no file /gone.mp3.'],
      [9, expect.stringMatching(/^\/text\.mp3 is not audio/)],
    ])
    expect(notes.map((note) => note.replace(folder, ''))).toEqual([
      '/music/cover.txt is left out: it is not audio that can be played.',
      expect.stringMatching(/^\/music\/2\.wav is truncated/),
    ])
  })
})
