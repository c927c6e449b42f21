import { describe, expect, it } from 'vitest'
import { levelDb } from '../../../../src/audio/level.ts'
import type { ProgramEvent } from '../../../../src/bot/program/contract.ts'
import { planOf } from '../../../../src/bot/program/plan.ts'
import { createSessionProgram } from '../../../../src/bot/program/session-program.ts'
import type { ProgramCommand } from '../../../../src/protocol/program.ts'
import {
  after,
  at,
  bedCue,
  bedOf,
  bell,
  cue,
  factsOf,
  floor,
  listen,
  noise,
  openFrom,
  play,
  type Running,
  readFrame,
  say,
  scriptOf,
  silence,
  startProgram,
  steady,
  strike,
} from './program-fixtures.ts'

const overs = (events: ProgramEvent[]) =>
  events.flatMap((event) => (event.type === 'over' ? [[event.id, event.cause]] : []))

const sounds = {
  bell: strike(),
  one: steady(2, 1000),
  two: steady(2, 2000),
  three: steady(2, 3000),
  hello: steady(1, 5000),
}
const listScript = scriptOf([cue('list', at(0), play(['one', 'two', 'three'])), cue('then', after, say('hello'))])

/** Which of the steady sounds is heard at the end of it. */
const lastOf = (heard: Int16Array) => heard.at(-1)

describe('commands to a program', () => {
  it('pauses and goes on where it was: all after it is later', async () => {
    const running = startProgram(listScript, sounds)
    await listen(running, 1)
    await running.program.command({ do: 'pause' })
    expect(running.program.isPaused).toBe(true)
    const heard = await listen(running, 2)
    expect(levelDb(heard.subarray(480))).toBe(-100)
    expect(running.program.position()).toMatchObject({ programMs: 1000, playing: { isPaused: true, untilMs: null } })
    await running.program.command({ do: 'resume' })
    expect(lastOf(await listen(running, 0.9))).toBe(1000)
    expect(lastOf(await listen(running, 0.2))).toBe(2000)
  })

  it('goes on where the clock is after a pause, where the script says so', async () => {
    const script = { ...listScript, when: { ...listScript.when, late: 'clock' as const } }
    const running = startProgram(script, sounds)
    await listen(running, 1)
    await running.program.command({ do: 'pause' })
    await listen(running, 3.5)
    await running.program.command({ do: 'resume' })
    expect(running.program.position().programMs).toBe(4500)
    expect(lastOf(await listen(running, 0.5))).toBe(3000)
  })

  it('skips to the next item of a list, and what follows the list comes earlier', async () => {
    const running = startProgram(listScript, sounds)
    await listen(running, 0.5)
    await running.program.command({ do: 'skip' })
    expect(lastOf(await listen(running, 0.05))).toBe(2000)
    expect(running.program.position().programMs).toBe(550)
    const rest = await listen(running, 20)
    expect(rest.length).toBe(48 * (500 + 10 + 2000 + 2000 + 1000 - 550))
    expect(overs(running.events)).toEqual([
      ['list/1', 'skip'],
      ['list/2', 'end'],
      ['list/3', 'end'],
      ['then', 'end'],
    ])
  })

  it('shows a bell that sounds alone, and not one within a silence', async () => {
    const script = scriptOf([cue('b', at(1), bell(1)), cue('s', at(3), silence(5)), cue('c', at(4), bell(1))])
    const running = startProgram(script, sounds)
    const shownAt: Record<number, unknown> = {}
    for (const second of [0.5, 1.2, 2.5, 4.2]) {
      await listen(running, second - running.program.position().programMs / 1000)
      const { playing } = running.program.position()
      shownAt[second] = [playing?.kind, playing?.title]
    }
    expect(shownAt).toEqual({
      0.5: ['silence', null],
      1.2: ['sound', 'bell'],
      2.5: ['silence', null],
      4.2: ['silence', null],
    })
  })

  it('skips a silence to the next cue, and the last cue to the end', async () => {
    const running = startProgram(scriptOf([cue('s', at(0), silence(600)), cue('h', after, say('hello'))]), sounds)
    await listen(running, 1)
    await running.program.command({ do: 'skip' })
    expect(running.program.position().programMs).toBe(600_000)
    expect(lastOf(await listen(running, 0.1))).toBe(5000)
    await running.program.command({ do: 'skip' })
    expect((await listen(running, 1)).length).toBe(480)
    expect(running.events.at(-1)).toEqual({ type: 'ended' })
  })

  it('goes to a cue and to a time, back and forth', async () => {
    const running = startProgram(listScript, sounds)
    await running.program.command({ do: 'goto', to: { cue: 'then' } })
    expect(lastOf(await listen(running, 0.1))).toBe(5000)
    await running.program.command({ do: 'goto', to: { ms: 2500 } })
    expect(lastOf(await listen(running, 0.1))).toBe(2000)
    await expect(running.program.command({ do: 'goto', to: { cue: 'nothing' } })).rejects.toMatchObject({
      code: 'not-found',
    })
    await expect(running.program.command({ do: 'goto', to: { ms: 1e9 } })).rejects.toMatchObject({
      code: 'bad-request',
    })
  })

  it('rings a cue that only sounds when somebody asks for it', async () => {
    const running = startProgram(scriptOf([cue('s', at(0), silence(60)), cue('m', { kind: 'manual' }, bell())]), sounds)
    await listen(running, 1)
    await running.program.command({ do: 'cue', name: 'm' })
    expect((await listen(running, 0.1)).includes(20_000)).toBe(true)
    await expect(running.program.command({ do: 'goto', to: { cue: 'm' } })).rejects.toMatchObject({
      code: 'bad-request',
    })
  })

  it('lets what sounds last longer, and all after it come later', async () => {
    const script = scriptOf(
      [cue('s', at(0), silence(10)), cue('b', at(10), bell()), cue('f', { kind: 'from-end', ms: 5000 }, say('hello'))],
      { endMs: 30_000 },
    )
    const running = startProgram(script, sounds)
    await listen(running, 5)
    await running.program.command({ do: 'extend', ms: 20_000 })
    expect(running.program.endMs()).toBe(50_000)
    expect(running.program.position().playing).toMatchObject({ kind: 'silence', untilMs: 30_000 })
    const heard = await listen(running, 60)
    expect(heard.indexOf(20_000)).toBe(25 * 48_000)
    expect(heard.indexOf(5000)).toBe(40 * 48_000)
    expect(heard.length).toBe(45 * 48_000)
  })

  it('is after a restart where its state says, with all that was decided', async () => {
    const first = startProgram(listScript, sounds)
    await listen(first, 0.5)
    await first.program.command({ do: 'skip' })
    await first.program.command({ do: 'level', of: 'voice', db: -6.0206 })
    await listen(first, 1)
    const second = startProgram(listScript, sounds, { state: JSON.parse(JSON.stringify(first.program.state())) })
    expect(second.program.position()).toMatchObject({ programMs: 1500 })
    expect(lastOf(await listen(second, 0.5))).toBe(1000)
    expect((await listen(second, 20)).length).toBe((await listen(first, 20)).length - 480 * 50)
  })

  it('stops', async () => {
    const running = startProgram(listScript, sounds)
    await listen(running, 1)
    await running.program.command({ do: 'stop' })
    expect((await listen(running, 1)).length).toBe(480)
    expect(overs(running.events)).toEqual([['list/1', 'stop']])
    expect(running.events.at(-1)).toEqual({ type: 'ended' })
  })

  it('is heard within 100 ms, whatever is commanded', async () => {
    const running = startProgram(listScript, sounds)
    await listen(running, 1)
    const heardIn = async (command: ProgramCommand, is: (frame: Int16Array) => boolean) => {
      await running.program.command(command)
      for (let ms = 10; ; ms += 10) {
        await readFrame(running)
        if (is(running.frame)) return ms
      }
    }
    expect(
      await heardIn({ do: 'level', of: 'all', db: -20 }, (frame) => frame.every((sample) => sample === 100)),
    ).toBeLessThanOrEqual(30)
    expect(await heardIn({ do: 'skip' }, (frame) => frame.at(-1) === 200)).toBeLessThanOrEqual(30)
    expect(await heardIn({ do: 'goto', to: { cue: 'then' } }, (frame) => frame.at(-1) === 500)).toBeLessThanOrEqual(30)
    expect(await heardIn({ do: 'pause' }, (frame) => frame.every((sample) => sample === 0))).toBeLessThanOrEqual(30)
  })

  it('takes any commands at any time: never throws anything else, never starves, and the clock goes on', async () => {
    const cues = [
      cue('rain', at(0), bedCue('rain', 1)),
      cue('b', at(1), bell(3, 2)),
      cue('hi', at(8), say('hello')),
      cue(
        'list',
        at(10),
        play(['one', 'two', 'three'], { order: 'shuffle', crossfadeMs: 300, isLooped: true, forMs: 30_000 }),
      ),
      cue('every', { kind: 'every', everyMs: 7000, fromMs: 5000, untilMs: null }, bell()),
      cue('quiet', at(41), silence(20)),
      cue('floor', after, floor(20)),
      cue('gone', at(90), play('lost')),
      cue('off', at(92), bedCue(null, 2)),
      cue('m', { kind: 'manual' }, say('hello')),
      cue('bye', { kind: 'from-end', ms: 3000 }, say('hello')),
    ]
    const script = scriptOf(cues, {
      endMs: 100_000,
      beds: {
        rain: bedOf('rain', {
          loopFadeMs: 400,
          duck: { under: ['voice', 'speakers'], byDb: 9, attackMs: 80, releaseMs: 700 },
        }),
      },
    })
    for (let seed = 1; seed <= 8; seed++) await fuzz(script, { ...sounds, rain: noise(3, 500) }, seed)
  })
})

const fuzz = async (script: Parameters<typeof planOf>[0], withSounds: Record<string, Int16Array>, seed: number) => {
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const { plan } = planOf(
    script,
    factsOf({ 'shipped-bell': strike(), lost: steady(1, 1), ...withSounds }),
    String(seed),
  )
  const events: ProgramEvent[] = []
  const open = openFrom({ 'shipped-bell': strike(), ...withSounds })
  const program = createSessionProgram({ plan, open, onEvent: (event) => events.push(event) })
  const running: Running = { program, events, frame: new Int16Array(480) }
  const names = script.cues.map(({ name }) => name)
  const commands: (() => ProgramCommand)[] = [
    () => ({ do: 'pause' }),
    () => ({ do: 'resume' }),
    () => ({ do: 'resume' }),
    () => ({ do: 'skip' }),
    () => ({ do: 'cue', name: names[random(names.length)]! }),
    () => ({ do: 'goto', to: { cue: names[random(names.length)]! } }),
    () => ({ do: 'goto', to: { ms: random(100_000) } }),
    () => ({ do: 'extend', ms: random(20_000) - 10_000 }),
    () => ({ do: 'level', of: 'bed', db: random(12) - 6 }),
  ]
  for (let n = 0, last = 'frame'; n < 150 && last !== 'ended'; n++) {
    const command = commands[random(commands.length)]!()
    await program.command(command).catch((error: { code: string; message: string }) => {
      if (!['not-found', 'bad-request', 'conflict'].includes(error.code)) throw error
    })
    if (random(4) === 0) program.setSpeaking(random(2) === 0)
    if (random(9) === 0) program.ringBell()
    let before = program.position().programMs
    for (let frames = random(150); frames >= 0 && last !== 'ended'; frames--) {
      last = await readFrame(running)
      expect(last, JSON.stringify(command)).not.toBe('starved')
      const { programMs } = program.position()
      expect(programMs - before).toBe(
        program.isPaused || last === 'ended' || programMs === before ? programMs - before : 10,
      )
      expect(programMs).toBeGreaterThanOrEqual(before)
      before = programMs
    }
  }
  await program.close()
  const begun = new Map<string, number>()
  for (const event of events) {
    if (event.type === 'began') begun.set(event.id, (begun.get(event.id) ?? 0) + 1)
    if (event.type === 'over') begun.set(event.id, begun.get(event.id)! - 1)
    if (event.type === 'began' || event.type === 'over')
      expect([0, 1], `${event.id} of ${seed}`).toContain(begun.get(event.id))
  }
}
