import { describe, expect, it } from 'vitest'
import {
  type Air,
  type AirAction,
  type AirInput,
  type AirPolicy,
  beginAir,
  stepAir,
} from '../../../../src/bot/host/air.ts'

const clock: AirPolicy = { crash: 'clock', empty: 'continue', late: 'shift' }
const START = 1_000_000

/** Runs inputs one after the other and gives all that was to be done. */
const run = (air: Air, policy: AirPolicy, inputs: AirInput[]) => {
  const actions: AirAction[] = []
  for (const input of inputs) {
    const step = stepAir(air, policy, input)
    air = step.air
    actions.push(...step.actions)
  }
  return { air, actions }
}
const look = (nowMs: number, programMs: number, more: Partial<Extract<AirInput, { type: 'look' }>> = {}): AirInput => ({
  ...{ type: 'look', nowMs, programMs, guard: { do: 'nothing' }, people: 1 },
  ...more,
})
const heard = (fromProgramMs = 0) => ({ guard: { do: 'resume', fromProgramMs } as const })
const cut = { guard: { do: 'hold' } as const }

describe('a program on air', () => {
  it('waits for its start, and begins at 0 when it can be heard by then', () => {
    const { actions } = run(beginAir(clock, START, null), clock, [look(START - 500, 0, heard()), look(START + 200, 0)])
    expect(actions).toEqual([{ do: 'begin', fromMs: 0, lateMs: 200 }])
  })

  it('begins where the clock is when the host came late, and from the beginning where it follows none', () => {
    const late = [look(START + 90_000, 0, heard())]
    expect(run(beginAir(clock, START, null), clock, late).actions).toEqual([
      { do: 'begin', fromMs: 90_000, lateMs: 90_000 },
    ])
    const place: AirPolicy = { ...clock, crash: 'place' }
    expect(run(beginAir(place, START, null), place, late).actions).toEqual([{ do: 'begin', fromMs: 0, lateMs: 0 }])
  })

  it('loses nothing of a start by hand, however long joining took', () => {
    expect(run(beginAir(clock, null, null), clock, [look(START + 5000, 0, heard())]).actions).toEqual([
      { do: 'begin', fromMs: 0, lateMs: 0 },
    ])
  })

  it('goes on after a cut where the clock is, or where nothing is lost', () => {
    const events = [
      look(START, 0, heard()),
      look(START + 10_000, 10_000, cut),
      look(START + 14_000, 10_000, heard(9_000)),
    ]
    expect(run(beginAir(clock, START, null), clock, events).actions.slice(1)).toEqual([
      { do: 'hold' },
      { do: 'go-on', fromMs: 14_000, by: 'on' },
    ])
    const place: AirPolicy = { ...clock, crash: 'place' }
    expect(run(beginAir(place, START, null), place, events).actions.slice(1)).toEqual([
      { do: 'hold' },
      { do: 'go-on', fromMs: 9_000, by: 'back' },
    ])
  })

  it('is where the clock is after a crash, and the clock keeps what people moved', () => {
    const moved = run(beginAir(clock, START, null), clock, [
      look(START, 0, heard()),
      { type: 'moved', nowMs: START + 10_000, programMs: 60_000 },
    ]).air
    const next = beginAir(clock, START, { ...moved, programMs: 63_000 })
    expect(run(next, clock, [look(START + 20_000, 63_000, heard())]).actions).toEqual([
      { do: 'begin', fromMs: 70_000, lateMs: 70_000 },
    ])
  })

  it('takes up at the place where it stopped, by place', () => {
    const place: AirPolicy = { ...clock, crash: 'place' }
    const record = { hasBegun: true, anchor: { programMs: 0, wallMs: START }, human: null, programMs: 42_000 }
    expect(run(beginAir(place, START, record), place, [look(START + 999_000, 42_000, heard())]).actions).toEqual([
      { do: 'begin', fromMs: 42_000, lateMs: 0 },
    ])
  })

  it('keeps a pause by a human over a crash, then shifts or catches up', () => {
    const paused = run(beginAir(clock, START, null), clock, [
      look(START, 0, heard()),
      { type: 'pause', nowMs: START + 5000, by: 'Ana' },
    ])
    expect(paused.actions.at(-1)).toEqual({ do: 'pause', cause: 'human' })
    for (const [late, fromMs] of [
      ['shift', null],
      ['clock', 60_000],
    ] as const) {
      const policy = { ...clock, late }
      const back = run(beginAir(policy, START, { ...paused.air, programMs: 5000 }), policy, [
        look(START + 30_000, 5000, heard()),
        { type: 'resume', nowMs: START + 60_000, programMs: 5000 },
      ])
      expect(back.actions).toEqual([
        { do: 'pause', cause: 'human' },
        { do: 'begin', fromMs: 5000, lateMs: 0 },
        { do: 'resume', fromMs, after: 'human' },
      ])
    }
  })

  it('pauses in an empty room, goes on when somebody comes, and is later by as much', () => {
    const policy: AirPolicy = { ...clock, empty: 'pause' }
    const { actions, air } = run(beginAir(policy, START, null), policy, [
      look(START, 0, heard()),
      look(START + 1000, 1000, { people: 0 }),
      look(START + 3000, 3000, { people: 0 }),
      look(START + 9000, 3000, { people: 0 }),
      look(START + 9250, 3000),
      look(START + 9500, 3250),
    ])
    expect(actions.slice(1)).toEqual([
      { do: 'pause', cause: 'empty' },
      { do: 'resume', fromMs: null, after: 'empty' },
    ])
    expect(air.anchor).toEqual({ programMs: 3000, wallMs: START + 9250 })
  })

  it('does not take a cut of a second for an empty room', () => {
    const policy: AirPolicy = { ...clock, empty: 'pause' }
    const blink = [
      look(START + 1000, 1000, { people: 0 }),
      look(START + 2500, 2500, { people: 0 }),
      look(START + 2750, 2750),
    ]
    expect(run(beginAir(policy, START, null), policy, [look(START, 0, heard()), ...blink]).actions).toHaveLength(1)
  })

  it('stays paused by a human when people come back to a room that was empty', () => {
    const policy: AirPolicy = { ...clock, empty: 'pause' }
    const { actions } = run(beginAir(policy, START, null), policy, [
      look(START, 0, heard()),
      { type: 'pause', nowMs: START + 500, by: 'Ana' },
      look(START + 1000, 500, { people: 0 }),
      look(START + 4000, 500, { people: 0 }),
      look(START + 5000, 500),
    ])
    expect(actions).toEqual([
      { do: 'begin', fromMs: 0, lateMs: 0 },
      { do: 'pause', cause: 'human' },
    ])
  })

  it('ends where nobody was for a minute, if the script says so', () => {
    const policy: AirPolicy = { ...clock, empty: 'end' }
    const nobody = (s: number) => look(START + s * 1000, s * 1000, { people: 0 })
    const { actions } = run(beginAir(policy, START, null), policy, [
      look(START, 0, heard()),
      nobody(1),
      nobody(60),
      nobody(61),
    ])
    expect(actions.slice(1)).toEqual([{ do: 'end', cause: 'empty' }])
  })

  it('catches up where the machine held it, by clock', () => {
    const { actions } = run(beginAir(clock, START, null), clock, [look(START, 0, heard()), look(START + 9000, 4000)])
    expect(actions.slice(1)).toEqual([{ do: 'catch-up', fromMs: 9000 }])
  })
})
