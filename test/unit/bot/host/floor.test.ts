import { describe, expect, it } from 'vitest'
import { closeFloor, type Floor, type FloorAction, openFloor, stepFloor } from '../../../../src/bot/host/floor.ts'
import type { Hand } from '../../../../src/protocol/rooms.ts'

const hand = (name: string, position = 1): Hand => ({
  ...{ participantId: name, name, handle: name, question: null, raisedAt: '2026-11-22T00:00:00.000Z', position },
})

/** A stage that does as it is told: who is admitted comes, who is demoted leaves. */
const play = (
  floor: Floor,
  { fromMs, toMs, endsMs, hands }: { fromMs: number; toMs: number; endsMs: number; hands: string[] },
) => {
  const up = [...hands]
  const onStage = new Set<string>()
  const done: (FloorAction & { atMs: number })[] = []
  for (let programMs = fromMs; programMs <= toMs; programMs += 250) {
    const step = stepFloor(floor, { programMs, endsMs, hands: up.map((name) => hand(name)), onStage })
    floor = step.floor
    for (const action of step.actions) {
      done.push({ ...action, atMs: programMs })
      if (action.do === 'admit') {
        up.splice(up.indexOf(action.id), 1)
        onStage.add(action.id)
      }
      if (action.do === 'demote') onStage.delete(action.id)
    }
  }
  return { floor, done: done.map((one) => `${one.atMs} ${one.do}${'id' in one ? ` ${one.id}` : ''}`) }
}

describe('an open floor', () => {
  it('admits hands in order, one at a time, and rings before each leaves the stage', () => {
    const { done } = play(openFloor(20_000, true), { fromMs: 0, toMs: 60_000, endsMs: 120_000, hands: ['bo', 'cy'] })
    expect(done).toEqual([
      '0 admit bo',
      '20250 ring',
      '23250 demote bo',
      '23500 admit cy',
      '43750 ring',
      '46750 demote cy',
    ])
  })

  it('waits for a hand', () => {
    const empty = { programMs: 0, endsMs: 120_000, hands: [], onStage: new Set<string>() }
    const waiting = stepFloor(openFloor(20_000, true), empty)
    expect(waiting.actions).toEqual([])
    const step = stepFloor(waiting.floor, { ...empty, programMs: 50_000, hands: [hand('bo')] })
    expect(step.actions).toEqual([{ do: 'admit', id: 'bo', name: 'bo' }])
  })

  it('goes on with the next when one leaves the stage by themselves, or never comes', () => {
    const look = { endsMs: 600_000, hands: [hand('cy')] }
    let floor = stepFloor(openFloor(20_000, true), {
      ...look,
      hands: [hand('bo')],
      programMs: 0,
      onStage: new Set(),
    }).floor
    floor = stepFloor(floor, { ...look, programMs: 250, onStage: new Set(['bo']) }).floor
    expect(stepFloor(floor, { ...look, programMs: 5000, onStage: new Set() }).actions).toEqual([
      { do: 'admit', id: 'cy', name: 'cy' },
    ])
    const hands = [hand('bo'), hand('cy', 2)]
    let absent = stepFloor(openFloor(20_000, true), { ...look, hands, programMs: 0, onStage: new Set() })
    absent = stepFloor(absent.floor, { ...look, hands, programMs: 9000, onStage: new Set() })
    expect(absent.actions).toEqual([{ do: 'admit', id: 'cy', name: 'cy' }])
  })

  it('rings for the last one before the floor ends, and admits nobody for a moment', () => {
    const { done, floor } = play(openFloor(60_000, true), {
      fromMs: 0,
      toMs: 30_000,
      endsMs: 30_000,
      hands: ['bo', 'cy'],
    })
    expect(done).toEqual(['0 admit bo', '27000 ring', '30000 demote bo'])
    expect(closeFloor(floor)).toEqual([])
  })

  it('closes with a bell for whoever still has it, where bells are rung', () => {
    for (const isBellRung of [true, false]) {
      const look = { programMs: 0, endsMs: 99_000, hands: [hand('bo')], onStage: new Set<string>() }
      const { floor } = stepFloor(openFloor(20_000, isBellRung), look)
      expect(closeFloor(floor).map((one) => one.do)).toEqual(isBellRung ? ['ring', 'demote'] : ['demote'])
    }
  })
})
