import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadScript } from '../../../../src/bot/script/load.ts'
import { airVarsOf, fillText, lastingText } from '../../../../src/bot/script/text.ts'
import { problemLine, type ScriptError } from '../../../../src/yaml/problem.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-script-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, text: string) => {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
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

const guide = `
session: guide
room: {title: "{minutes} minutes on {date}"}
vars: {minutes: ten, quiet: 5m}
variants:
  10m: {end: 10:00}
  5m:
    end: 5:00
    vars: {minutes: five, quiet: 90s}
    cues:
      settle: {at: 0:30}
      body: false
      close: {from-end: 20s}
cues:
  - {bell: 3}
  - {name: settle, at: 1:00, say: "Welcome to {title}, {listeners} of us."}
  - {name: body, at: 2:00, play: "body-{minutes}.wav"}
  - {silence: "{quiet}"}
  - {say: Only ten, only: 10m}
  - {name: close, at: 9:00, bell: 1}
`

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
      'a.session.yaml:7:10: 20 has no unit: write 20s, 20m or a time such as 1:30',
      'a.session.yaml:7:19: "say" wants quotes around a text that begins with {: "{…}"',
      'a.session.yaml:8:10: "1:99" is no time: write a time such as 1:30 (one minute thirty), 1:02:00, 90s or 1h30m',
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

  it('tells what YAML itself cannot read, with its place', async () => {
    expect(await problemsOf('session: a\ncues:\n  - {at: 1:00, bell: 3\n')).toEqual([
      expect.stringMatching(/^a\.session\.yaml:4:1: /),
    ])
    expect(await problemsOf('session: a\ncues:\n  - say: Sit: now\n')).toEqual([
      'a.session.yaml:3:10: a text with ": " in it wants quotes around it',
    ])
    expect(await problemsOf('session: a\ncues:\n  - {say: There are {listeners} of us}\n')).toContain(
      'a.session.yaml:3:21: a text with { in it wants quotes around it',
    )
    expect(await problemsOf('session: a\nsession: b\ncues: []\n')).toEqual([
      'a.session.yaml:2:1: this key is there twice',
    ])
    expect(await problemsOf('')).toEqual([expect.stringContaining('a.session.yaml:1:1: ')])
    expect((await problemsOf('['.repeat(100_000)))[0]).toMatch(/^a\.session\.yaml:1:\d+: /)
    expect(
      await problemsOf(
        'a: &a [x,x,x,x,x,x,x,x,x]\n'.concat(
          ...['b', 'c', 'd', 'e', 'f', 'g'].map(
            (at, index) => `${at}: &${at} [${`*${'abcdefg'[index]},`.repeat(9)}]\n`,
          ),
        ),
      ),
    ).toEqual([expect.stringMatching(/1:1: /)])
  })

  it.each([
    ['room: [x]', '2:7: "room" wants a text or keys with values, not a list'],
    ['room: {hands: nobody}', '2:15: "hands" wants everyone, off or a list, not "nobody"'],
    ['room: {hands: @ana}', '2:15: a text that begins with @ or ` wants quotes around it'],
    ['beds: {rain: {file: x, duck: {under: me}}}', '2:38: "under" wants voice, speakers or a list, not "me"'],
    ['beds: {rain: {fil: x.ogg}}', '2:15: "fil" is no key of a bed: did you mean "file"?'],
    ['when: now', '2:7: "when" wants keys with values, not "now"'],
    ['speech: {stretch: 9}', '2:19: "stretch" takes at most 3'],
    ['end: {5m: }', '2:6: "end" wants quotes around a text that begins with {: "{…}"'],
  ])('tells what is wrong with %s', async (given, told) => {
    expect(await problemsOf(`session: a\n${given}\ncues: [{bell: 1}]`)).toContain(`a.session.yaml:${told}`)
  })

  it('is refused where nothing would happen, or never an end', async () => {
    expect(await problemsOf('session: a\ncues: []')).toEqual([expect.stringContaining('it has no cues')])
    expect(await problemsOf('session: a\ncues: [{at: manual, bell: 1}]')).toEqual([
      expect.stringContaining('by itself'),
    ])
    expect(await problemsOf('session: a\ncues: [{every: 5m, bell: 1}]')).toEqual([
      expect.stringContaining('never ends'),
    ])
    expect(await problemsOf('session: a\nend: 0\ncues: []')).toEqual([expect.stringContaining('no length')])
  })
})

it('has a title that is short enough on the day', async () => {
  const title = (text: string) => `session: a\nroom: {title: "${text}", language: de}\ncues: [{bell: 1}]`
  expect((await load(title(`${'x'.repeat(60)} {date}`))).room.title).toHaveLength(67)
  expect(await problemsOf(title(`${'x'.repeat(70)} {date}`))).toEqual([
    'a.session.yaml:2:15: the title takes at most 80 characters',
  ])
})

it('has its schedule checked', async () => {
  const scheduled = morning.replace('Europe/Berlin', 'Europe/Berlim').replace('2027-04-05]', '2027-04-05, 2027-04-06]')
  expect(await problemsOf(scheduled)).toEqual([expect.stringMatching(/^a\.session\.yaml:4:43: .*Europe\/Berlin/)])
  expect(await problemsOf(scheduled.replace('Berlim', 'Berlin'))).toEqual([
    expect.stringMatching(/^a\.session\.yaml:4:115: 2027-04-06 leaves nothing out/),
  ])
})

describe('variants', () => {
  it('change variables, cues by name, and the end; the first is the usual one', async () => {
    const ten = await load(guide)
    expect(ten).toMatchObject({ variant: '10m', variants: ['10m', '5m'], endMs: 600_000 })
    expect(ten.room.title).toBe('ten minutes on {date}')
    expect(ten.cues.map(({ name }) => name)).toEqual(['bell-1', 'settle', 'body', 'silence-1', 'say-2', 'close'])
    expect(ten.cues[1]!.action).toMatchObject({ text: 'Welcome to ten minutes on {date}, {listeners} of us.' })
    const five = await load(guide, '5m')
    expect(five).toMatchObject({ variant: '5m', endMs: 300_000 })
    expect(five.cues.map(({ name, time }) => [name, time])).toEqual([
      ['bell-1', { kind: 'after' }],
      ['settle', { kind: 'at', ms: 30_000 }],
      ['silence-1', { kind: 'after' }],
      ['close', { kind: 'from-end', ms: 20_000 }],
    ])
    expect(five.cues[2]!.action).toEqual({ kind: 'silence', ms: 90_000 })
  })

  it('that are not there are refused, and so are changes of cues that are not there', async () => {
    expect(await problemsOf(guide, '15m')).toEqual([
      'a.session.yaml:6:3: "15m" is no variant of this script: there is 10m, 5m',
    ])
    expect(await problemsOf(guide.replace('body: false', 'bodi: false'), '5m')).toEqual([
      'a.session.yaml:12:7: no cue is named "bodi": did you mean "body"?',
    ])
  })

  it('tell a wrong change where it stands', async () => {
    expect(await problemsOf(guide.replace('settle: {at: 0:30}', 'settle: {at: 0:30, voise: slt}'), '5m')).toEqual([
      'a.session.yaml:11:26: "voise" is no key of a say cue: did you mean "voice"?',
    ])
  })
})

describe('includes', () => {
  it('bring cues at their time, beds and variables, with paths beside their own file', async () => {
    write(
      'parts/opening.yaml',
      'vars: {who: Ana}\nbeds: {rain: rain.opus}\ncues: [{at: 0:10, bell: bowl.wav}, {say: "I am {who}"}]',
    )
    const script = await load(`
session: a
cues:
  - {at: 0:00, bed: rain}
  - {at: 1:00, include: parts/opening.yaml}
  - {at: 2:00, include: parts/opening.yaml}
`)
    expect(script.files).toEqual([script.file, join(folder, 'parts/opening.yaml')])
    expect(script.cues.map(({ name, time }) => [name, time])).toEqual([
      ['bed-1', { kind: 'at', ms: 0 }],
      ['bell-1', { kind: 'at', ms: 70_000 }],
      ['say-1', { kind: 'after' }],
      ['bell-2', { kind: 'at', ms: 130_000 }],
      ['say-2', { kind: 'after' }],
    ])
    expect(script.beds.rain!.item).toEqual({ kind: 'file', path: join(folder, 'parts/rain.opus') })
    expect(script.cues[1]).toMatchObject({
      action: { path: join(folder, 'parts/bowl.wav') },
      place: { file: join(folder, 'parts/opening.yaml'), line: 3, column: 8 },
    })
    expect(script.cues[2]!.action).toMatchObject({ text: 'I am Ana' })
  })

  it('are refused in a circle, and where there is none', async () => {
    write('parts/b.yaml', 'include: c.yaml')
    write('parts/c.yaml', 'include: [b.yaml]')
    expect(await problemsOf('session: a\ninclude: [parts/b.yaml, parts/none.yaml]\ncues: [{bell: 1}]')).toEqual([
      `a.session.yaml:2:25: "${join(folder, 'parts/none.yaml').slice(0, 39)}…" cannot be included: there is no such file`,
      'parts/c.yaml:1:11: includes itself: b.yaml -> c.yaml -> b.yaml',
    ])
  })
})

describe('the time of a cue', () => {
  const cueOf = async (cue: string) => (await load(`session: a\nend: 1:00:00\ncues: [${cue}]`)).cues[0]!
  it.each([
    ['at: 1:30', 90_000],
    ['at: 0:59.5', 59_500],
    ['at: 90s', 90_000],
    ['at: 1m30s', 90_000],
    ['at: 0:30:00', 1_800_000],
    ['at: 0', 0],
  ])('%s is read', async (time, ms) => {
    expect((await cueOf(`{${time}, bell: 1}`)).time).toEqual({ kind: 'at', ms })
  })
  it.each(['25:61', '-1:00', '1:2', 'soon', '90', '1e3s', '1:00:61', '99h', ''])(
    'at: "%s" is refused',
    async (time) => {
      expect(await problemsOf(`session: a\ncues: [{at: "${time}", bell: 1}]`)).toEqual([
        expect.stringMatching(/^a\.session\.yaml:2:13: "[^"]*" is no time: write a time/),
      ])
    },
  )

  it('every is how often a bell comes, but beside at how far apart its strokes are', async () => {
    expect(await cueOf('{at: 1:00, bell: b.wav, times: 3, every: 6s}')).toMatchObject({
      time: { kind: 'at' },
      action: { times: 3, everyMs: 6000 },
    })
    expect(await cueOf('{every: 5m, bell: 3, apart: 4s}')).toMatchObject({
      time: { kind: 'every', everyMs: 300_000, fromMs: 300_000, untilMs: null },
      action: { times: 3, everyMs: 4000 },
    })
    expect(await problemsOf('session: a\ncues: [{every: 6s, bell: b.wav, times: 3}]')).toEqual([
      expect.stringContaining('is it how often the bell comes?'),
    ])
  })
})

it('finds programs beside the script, or leaves them to the system', async () => {
  const script = await load(`
session: a
speech: {command: [./say.sh, "{out}"]}
alerts:
  - {command: [../tell, -t, x]}
  - {on: dead-air, webhook: "https://example.org/hook"}
cues: [{bell: 1}]
`)
  expect(script.speech.engine).toEqual({ kind: 'command', command: [join(folder, 'say.sh'), '{out}'] })
  expect(script.alerts).toEqual([
    { kinds: [], command: [join(folder, '../tell'), '-t', 'x'], place: { file: script.file, line: 5, column: 5 } },
    { kinds: ['dead-air'], webhook: 'https://example.org/hook', place: { file: script.file, line: 6, column: 5 } },
  ])
  expect(
    await problemsOf('session: a\nspeech: {engine: flite, command: [x]}\nalerts: [{on: dead-air}]\ncues: [{bell: 1}]'),
  ).toEqual([
    'a.session.yaml:2:10: speech has one engine: either engine, or command',
    'a.session.yaml:3:10: an alert wants either a command or a webhook',
  ])
})

it('fills in what is known only on air, in the language of the room', () => {
  const vars = airVarsOf({ atMs: Date.UTC(2027, 2, 1, 6), zone: 'Europe/Berlin', language: 'de', listeners: 3 })
  expect(fillText('{listeners} um {time} am {date}; {other} {bleibt}', { ...vars, other: 'x' })).toBe(
    '3 um 07:00 am 1. März 2027; x {bleibt}',
  )
  expect(lastingText('Radiostunde, {date} – {time}')).toBe('Radiostunde')
})
