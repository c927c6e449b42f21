import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadScript } from '../../../../src/bot/script/load.ts'
import { problemLine, type ScriptError } from '../../../../src/bot/script/problem.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-script-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, text: string) => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
const load = (text: string, variant?: string) => loadScript(write('a.session.yaml', text), { variant })

/** The problems as a person reads them. */
const problemsOf = async (text: string, variant?: string): Promise<string[]> => {
  const error: ScriptError = await load(text, variant).then(
    () => expect.fail('the script was taken'),
    (thrown) => thrown,
  )
  expect(error.code).toBe('bad-script')
  return error.problems.map((problem) => problemLine(problem, folder))
}

const morning = `
session: morning-sit
room: {title: Morning sit, topic: meditation, language: de, opens: -5m, closes: +10m, hands: everyone, sound: music}
schedule: {start: 2027-03-01T07:00, zone: Europe/Berlin, rule: "FREQ=WEEKLY;BYDAY=MO,WE,FR", except: [2027-04-05], gap: skip}
beds: {rain: {file: rain.ogg, loop: 4s, duck: {under: [voice, speakers], by: 9dB, attack: 80ms, release: 700ms}}}
cues:
  - {at: 0:00, bell: bowl.wav, times: 3, every: 8s}
  - {at: 0:20, say: "Welcome. {listeners} of us today."}
  - {at: 1:00, bed: rain, fade: 6s}
  - {at: 1:30, play: guide/settle.mp3}
  - {every: 5m, from: 5:00, until: 25:00, bell: small.wav}
  - {at: 26:00, floor: 8m, each: 2m}
  - {from-end: 2m, play: guide/close.mp3}
end: 36:00
when: {empty: continue, crash: clock}
`

describe('a session script', () => {
  it('is read with absolute paths, milliseconds and places', async () => {
    const script = await load(morning)
    expect(script).toMatchObject({
      name: 'morning-sit',
      room: { title: 'Morning sit', opensBeforeMs: 300_000, closesAfterMs: 600_000, sound: 'music' },
      schedule: { zone: 'Europe/Berlin', except: ['2027-04-05'], catchupMs: 600_000 },
      endMs: 2_160_000,
      when: { empty: 'continue', crash: 'clock', late: 'shift', ended: 'end-room' },
    })
    expect(script.beds.rain).toMatchObject({ loopFadeMs: 4000, duck: { byDb: 9, releaseMs: 700 } })
    expect(script.cues.map(({ name, time }) => [name, time])).toEqual([
      ['bell-1', { kind: 'at', ms: 0 }],
      ['say-1', { kind: 'at', ms: 20_000 }],
      ['bed-1', { kind: 'at', ms: 60_000 }],
      ['play-1', { kind: 'at', ms: 90_000 }],
      ['bell-2', { kind: 'every', everyMs: 300_000, fromMs: 300_000, untilMs: 1_500_000 }],
      ['floor-1', { kind: 'at', ms: 1_560_000 }],
      ['play-2', { kind: 'from-end', ms: 120_000 }],
    ])
    expect(script.cues[0]!.action).toEqual({
      kind: 'bell',
      path: join(folder, 'bowl.wav'),
      times: 3,
      everyMs: 8000,
      gainDb: 0,
    })
    expect(script.cues[3]!.place).toEqual({ file: script.file, line: 10, column: 5 })
  })

  it('tells all that is wrong, each with its place and what is meant', async () => {
    const problems = await problemsOf(`
session: morning
room: {title: "Sit {dat}"}
beds: {rain: rain.ogg}
cues:
  - {att: 0:00, bell: bowl.wav}
  - {at: 20, say: {listeners}}
  - {at: 1:99, bed: rian, fade: 6s}
  - {at: 1:30}
  - {at: 1:30, say: hey, bell: 3}
  - {at: 50:00, say: hey}
  - {every: 5m, until: 2:00, bell: small.wav}
  - {say: "{listners} here", only: 5m}
  - {bed: rian}
  - {from-end: 40:00, bell: 1}
end: 36:00
`)
    expect(problems).toEqual([
      'a.session.yaml:3:15: {dat} is not known: did you mean "date"?',
      'a.session.yaml:6:6: "att" is no key of a bell cue: did you mean "at"?',
      'a.session.yaml:7:10: "20" is no time: write 20s, 20m or 0:20',
      'a.session.yaml:7:19: "say" wants quotes around a text that begins with {: "{…}"',
      'a.session.yaml:8:10: "1:99" is no time: a time such as 1:30 (one minute thirty), 1:02:00, 90s or 1h30m',
      'a.session.yaml:9:5: this cue does nothing: it wants one of play, say, bell, silence, bed, floor',
      'a.session.yaml:10:26: a cue does one thing, not both say and bell: make two cues of it',
      'a.session.yaml:11:6: comes at 50:00, after the end at 36:00',
      'a.session.yaml:12:17: until 2:00 is before from 5:00',
      'a.session.yaml:13:11: {listners} is not known: did you mean "listeners"?',
      'a.session.yaml:13:36: "5m" is no variant of this script: there is none',
      'a.session.yaml:14:11: there is no bed "rian" under beds: did you mean "rain"?',
      'a.session.yaml:15:6: lies before the beginning: the session is 36:00 long',
    ])
  })
})
