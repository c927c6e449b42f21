import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { FRAME_SAMPLES } from '../../../src/audio/frame.ts'
import { levelDb, peakDb } from '../../../src/audio/level.ts'
import { createLoudnessMeter } from '../../../src/audio/loudness.ts'
import type { ProgramEvent } from '../../../src/bot/program/contract.ts'
import { prepare } from '../../../src/bot/program/prepare.ts'
import { renderProgram } from '../../../src/bot/program/render.ts'
import { loadScript } from '../../../src/bot/script/load.ts'
import { createSounds } from '../../../src/bot/sound/sounds.ts'

const examples = fileURLToPath(new URL('../../../examples', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'roomtone-examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Began = Extract<ProgramEvent, { type: 'began' }>

const rendered = async (name: string, variant: string, part: { fromMs?: number; toMs?: number } = {}) => {
  const script = await loadScript(join(examples, `${name}.session.yaml`), { variant })
  const sounds = createSounds({
    cacheFolder: folder,
    speech: script.speech,
    fill: (text) => text.replace('{listeners}', '3'),
  })
  const { plan, problems } = await prepare(script, sounds, variant)
  expect(problems).toEqual([])
  const { channels } = plan
  const fromMs = part.fromMs ?? 0
  const heard = new Int16Array(Math.ceil(((part.toMs ?? plan.endMs!) - fromMs) * 48 + FRAME_SAMPLES) * channels)
  const events: ProgramEvent[] = []
  let length = 0
  const lengthMs = await renderProgram({
    ...{ plan, open: sounds.open, ...part, onEvent: (event) => events.push(event) },
    write: (frame) => {
      heard.set(frame, length)
      length += frame.length
      return undefined
    },
  })
  await sounds.close()
  const began = events.filter((event): event is Began => event.type === 'began')
  const between = (fromS: number, toS: number) =>
    heard.subarray(
      Math.round((fromS * 1000 - fromMs) * 48) * channels,
      Math.round((toS * 1000 - fromMs) * 48) * channels,
    )
  return {
    plan,
    lengthMs,
    began,
    warnings: events.filter(({ type }) => type === 'warning'),
    between,
    heard: heard.subarray(0, length),
    lufs: (fromS: number, toS: number) => {
      const meter = createLoudnessMeter({ channels })
      meter.push(between(fromS, toS))
      return meter.result().integratedLufs
    },
    /** When a cue began, in s. */
    startOf: (cue: string) => began.find((event) => event.cue === cue)!.atMs / 1000,
  }
}
type Rendered = Awaited<ReturnType<typeof rendered>>

/** Where near `seconds` the bell's first stroke is heard again, and how loud beside it: by their correlation. */
const strokeNear = ({ between }: Rendered, first: number, seconds: number) => {
  const stroke = between(first, first + 0.3)
  const power = stroke.reduce((sum, sample) => sum + sample * sample, 0)
  let [best, share] = [0, 0]
  for (let lag = -96; lag <= 96; lag++) {
    const near = between(seconds + lag / 48_000, seconds + lag / 48_000 + 0.3)
    let sum = 0
    for (let i = 0; i < stroke.length; i++) sum += stroke[i]! * near[i]!
    if (sum / power > share) [best, share] = [lag, sum / power]
  }
  return { lateMs: best / 48, db: 20 * Math.log10(share) }
}

describe('the examples', () => {
  it('a meditation of fifteen minutes is as long as it says, its bells in time and alike, voice and bed at their levels', async () => {
    const session = await rendered('guided-meditation', '15m')
    expect(session.lengthMs).toBe(900_000)
    expect(session.warnings).toEqual([])
    expect(peakDb(session.heard)).toBeLessThanOrEqual(-1.49)
    for (const at of [7, 14, 870, 877]) {
      const { lateMs, db } = strokeNear(session, 0, at)
      expect(Math.abs(lateMs), `bell at ${at} s`).toBeLessThan(1)
      expect(Math.abs(db), `bell at ${at} s`).toBeLessThan(1)
    }
    const bed = session.lufs(660, 800)
    expect(bed).toBeGreaterThan(-34)
    expect(bed).toBeLessThan(-30)
    expect(session.startOf('welcome')).toBe(30)
    const voice = session.lufs(30, 34)
    expect(voice).toBeGreaterThan(-21)
    expect(voice).toBeLessThan(-16)
  })

  it('a meditation of five minutes closes with three bells in time and alike', async () => {
    const session = await rendered('guided-meditation', '5m', { fromMs: 255_000 })
    expect(session.plan.endMs).toBe(300_000)
    expect(session.lengthMs).toBe(45_000)
    for (const at of [277, 284]) {
      const { lateMs, db } = strokeNear(session, 270, at)
      expect(Math.abs(lateMs)).toBeLessThan(1)
      expect(Math.abs(db)).toBeLessThan(1)
    }
  })

  it('a radio hour goes from song to song without a hole, in stereo', async () => {
    const session = await rendered('radio-hour', 'rehearsal')
    expect(session.plan.channels).toBe(2)
    expect(session.lengthMs).toBe(180_000)
    const first = session.startOf('first')
    expect(session.began.filter(({ cue }) => cue === 'first').length).toBeGreaterThan(1)
    for (let at = first + 1; at < first + 40; at += 1)
      expect(session.lufs(at, at + 2), `at ${at} s`).toBeGreaterThan(-35)
    expect(peakDb(session.heard)).toBeLessThanOrEqual(-1.49)
  })

  it('a lecture opens the floor for questions after the talk', async () => {
    const session = await rendered('lecture', 'rehearsal')
    const floor = session.began.find(({ kind }) => kind === 'floor')!
    expect(floor).toMatchObject({ cue: 'questions', lengthMs: 60_000 })
    expect(floor.atMs / 1000).toBeGreaterThan(session.startOf('lecture') + 40)
    expect(session.startOf('hint')).toBe(30)
    expect(levelDb(session.between(floor.atMs / 1000 + 1, floor.atMs / 1000 + 59))).toBe(-100)
  })

  it('a press conference leaves the floor to the press', async () => {
    const session = await rendered('press-conference', 'rehearsal')
    expect(session.began.filter(({ kind }) => kind === 'floor')).toMatchObject([{ lengthMs: 60_000 }])
    expect(session.lufs(0, 3)).toBeGreaterThan(-21)
  })

  it('a mass is silent where it says so, and its bells ring before and after', async () => {
    const session = await rendered('mass', 'rehearsal')
    const adoration = session.startOf('adoration')
    expect(levelDb(session.between(adoration, adoration + 60))).toBe(-100)
    expect(levelDb(session.between(adoration + 60, adoration + 65))).toBeGreaterThan(-50)
    expect(session.warnings).toEqual([])
  })
})
