import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { z } from 'zod'
import { loadCheck } from '../../../src/check/file/load.ts'
import { publishedCheck } from '../../../src/check/file/shape.ts'
import { problemLine, type ScriptError } from '../../../src/yaml/problem.ts'

const folder = mkdtempSync(join(tmpdir(), 'roomtone-check-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const load = (text: string, livekit?: string) => {
  const file = join(folder, 'a.check.yaml')
  writeFileSync(file, text)
  return loadCheck(file, { livekit })
}

const problemsOf = (text: string, livekit?: string): Promise<string[]> =>
  load(text, livekit).then(
    () => [],
    (error: ScriptError) => error.problems.map((problem) => problemLine(problem, folder)),
  )

const people = `check: a stage
actors:
  ana: {role: host, plays: tone 523Hz -20dBFS}
  bob: {plays: tone 880Hz, network: {loss: 5%, jitter: 30ms, delay: 60ms}}
  cy:
`
/** A check with these steps and expectations. */
const withStory = (steps: string[], expectations: string[] = ['cy hears ana']) =>
  `${people}steps:\n${steps.map((step) => `  - ${step}\n`).join('')}expect:\n${expectations.map((one) => `  - ${one}\n`).join('')}`

it('reads actors, steps and expectations as a plan', async () => {
  const { plan, livekit } = await load(
    withStory(
      [
        'ana starts',
        'bob raises hand "How long?"',
        'ana invites bob',
        'bob accepts',
        '{do: bob unmutes, name: open}',
        'wait 3s',
        'ana mutes bob',
      ],
      [
        'cy hears ana: {within: 2s, longest-gap: 60ms, level: -20 +-3 dB, gaps: 2%}',
        `cy hears bob: {within: '1s of open', like: '>= 0.85', start-cut: 120ms, delay: {p95: 300ms}, copies: 1}`,
        `ana and cy hears bob: {never-after: '"ana mutes bob" + 500ms'}`,
        'nobody hears cy',
        'cy hears ana then bob',
        'no echo',
        `room: {speakers: [ana, bob], reconnects: 0, at: '"ana mutes bob" + 1s'}`,
      ],
    ),
  )
  expect(livekit).toBeNull()
  expect(plan.plane).toBe('room')
  expect(plan.actors.map(({ name, role, plays, network }) => ({ name, role, plays, network }))).toEqual([
    { name: 'ana', role: 'host', plays: { kind: 'tone', hz: 523, levelDb: -20 }, network: null },
    {
      name: 'bob',
      role: 'listener',
      plays: { kind: 'tone', hz: 880, levelDb: -20 },
      network: { lossShare: 0.05, jitterMs: 30, delayMs: 60 },
    },
    { name: 'cy', role: 'listener', plays: null, network: null },
  ])
  expect(plan.steps.map(({ by, action }) => ({ by, ...action }))).toMatchObject([
    { by: 'room', kind: 'starts', actor: 'ana' },
    { by: 'room', kind: 'raises-hand', actor: 'bob', question: 'How long?' },
    { by: 'room', kind: 'stage', actor: 'ana', whom: 'bob', action: 'invite' },
    { by: 'room', kind: 'accepts', actor: 'bob' },
    { by: 'livekit', kind: 'unmutes', actor: 'bob' },
    { by: 'runner', kind: 'wait', ms: 3000 },
    { by: 'room', kind: 'stage', action: 'mute' },
  ])
  expect(plan.expectations).toMatchObject([
    {
      kind: 'hears',
      listeners: ['cy'],
      speakers: ['ana'],
      within: { ms: 2000, of: null },
      longestGapMs: 60,
      level: { db: -20, toleranceDb: 3 },
      gapShare: 0.02,
    },
    {
      within: { ms: 1000, of: { step: 4, offsetMs: 0 } },
      like: { path: null, atLeast: 0.85 },
      startCutMs: 120,
      delay: { p50Ms: null, p95Ms: 300, p99Ms: null },
      copies: 1,
    },
    { listeners: ['ana', 'cy'], neverAfter: { step: 6, offsetMs: 500 } },
    { kind: 'silence', listeners: ['ana', 'bob'], speakers: ['cy'] },
    { kind: 'order', listeners: ['cy'], speakers: ['ana', 'bob'] },
    { kind: 'no-echo' },
    { kind: 'room', speakers: ['ana', 'bob'], reconnects: 0, at: { step: 6, offsetMs: 1000 }, hands: null },
  ])
})

it.each([
  [
    'an unknown step',
    ['ana startz'],
    'a.check.yaml:7:5: "startz" is nothing that an actor does: did you mean "starts"?',
  ],
  [
    'an unknown actor',
    ['ana starts', 'ana invites bop'],
    'a.check.yaml:8:5: there is no actor "bop": did you mean "bob"?',
  ],
  ['a time without a unit', ['wait 3'], 'a.check.yaml:7:5: "3" is no time: write one such as 500ms, 3s or 1m30s'],
  ['a sentence that goes on', ['ana starts early'], 'a.check.yaml:7:5: "early" is too much here'],
  [
    'somebody who cannot open the room',
    ['bob starts'],
    'a.check.yaml:7:5: bob cannot start the room: the one who does has role: host',
  ],
  [
    'somebody who has nothing to say',
    ['cy unmutes'],
    'a.check.yaml:7:5: cy has nothing to say: give the actor plays: tone 440Hz, or a step',
  ],
  ['a sound that is not there', ['ana plays no.wav'], 'a.check.yaml:7:5: there is no file'],
])('tells of %s, with place and remedy', async (_what, steps, message) => {
  const [first, ...more] = await problemsOf(withStory(steps))
  expect(first).toContain(message.replace('there is no file', ''))
  expect(more).toEqual([])
})

it.each([
  [
    'an unknown limit',
    'cy hears ana: {withn: 2s}',
    'a.check.yaml:9:20: "withn" is no key of an expectation on sound: did you mean "within"?',
  ],
  [
    'a level that is none',
    'cy hears ana: {level: loud}',
    'a.check.yaml:9:27: "loud" is no level: write it as -20 +-3 dB',
  ],
  [
    'a step that is none',
    `cy hears ana: {never-after: '"ana startz"'}`,
    'no step is called "ana startz": did you mean "ana starts"?',
  ],
  ['an actor that is none', 'dy hears ana', 'there is no actor "dy": did you mean "cy"?'],
  ['limits of silence', 'nobody hears cy: {level: -20 +-3 dB}', 'what nobody hears has no level: only from and until'],
  ['a wrong key of the room', 'room: {speaker: [ana]}', '"speaker" is no key of room: did you mean "speakers"?'],
])('tells of %s, with place and remedy', async (_what, expectation, message) => {
  const problems = await problemsOf(withStory(['ana starts'], [expectation]))
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(message)
})

it('refuses on a LiveKit server what it has not, with the line', async () => {
  const text = withStory(
    ['ana starts', 'bob raises hand', 'ana invites bob', 'ana demotes bob'],
    ['room: {hands: [bob]}'],
  )
  expect(await problemsOf(text, 'ws://127.0.0.1:7880')).toEqual([
    'a.check.yaml:8:5: a LiveKit server knows no hands: leave this step out, or check a roomtone server (without livekit:)',
    'a.check.yaml:9:5: a LiveKit server knows no invitations: leave this step out, or check a roomtone server (without livekit:)',
    'a.check.yaml:12:19: a LiveKit server knows no hands',
  ])
  expect(await problemsOf(text)).toEqual([])
})

it('publishes the shape of a check in docs/check.schema.json (WRITE_SCHEMA=1 writes it)', () => {
  const file = new URL('../../../docs/check.schema.json', import.meta.url)
  const title = 'A check of roomtone: *.check.yaml (docs/check.md)'
  const schema = { title, ...z.toJSONSchema(publishedCheck, { io: 'input' }) }
  if (process.env.WRITE_SCHEMA) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(schema)
})

const guide = readFileSync(new URL('../../../docs/check.md', import.meta.url), 'utf8')

it('explains every key in docs/check.md', () => {
  const keys = new Set<string>()
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('properties' in value) for (const key of Object.keys(value.properties as object)) keys.add(key)
    for (const inner of Object.values(value)) walk(inner)
  }
  walk(z.toJSONSchema(publishedCheck, { io: 'input' }))
  expect([...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(guide))).toEqual([])
  expect(keys.size).toBeGreaterThan(30)
})

it('shows whole checks there that are taken as they stand', async () => {
  const checks = [...guide.matchAll(/```yaml\n(check:[\s\S]*?)```/g)].map((found) => found[1]!)
  expect(checks.length).toBeGreaterThan(1)
  for (const text of checks) await load(text)
})
