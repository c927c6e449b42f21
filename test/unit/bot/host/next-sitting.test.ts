import { expect, it } from 'vitest'
import type { Journal } from '../../../../src/bot/host/journal.ts'
import { nextSitting } from '../../../../src/bot/host/next-sitting.ts'

const START = Date.UTC(2027, 2, 1, 6)
const MINUTE = 60_000
const script = {
  schedule: { start: '2027-03-01T07:00', zone: 'Europe/Berlin', rule: 'FREQ=DAILY', catchupMs: 10 * MINUTE },
  when: { crash: 'clock', empty: 'continue', late: 'shift', ended: 'end-room' },
  room: { opensBeforeMs: 5 * MINUTE },
} as Parameters<typeof nextSitting>[0]['script']
const journal = (more: Partial<Journal>): Journal =>
  ({
    ...{ phase: 'on-air', occurrence: '2027-03-01T07:00:00', startMs: START, writtenMs: START + MINUTE },
    ...{ human: null, anchor: { programMs: 0, wallMs: START }, programMs: MINUTE },
    ...more,
  }) as Journal
const next = (nowMs: number, more: Partial<Parameters<typeof nextSitting>[0]> = {}) =>
  nextSitting({ script, durationMs: 30 * MINUTE, journal: null, nowMs, isNow: false, ...more })

it('waits for the next sitting, and comes late to one that is on', () => {
  expect(next(START - 60 * MINUTE)).toMatchObject({ startMs: START, opensAtMs: START - 5 * MINUTE, journal: null })
  expect(next(START + 5 * MINUTE)).toMatchObject({ startMs: START, occurrence: '2027-03-01T07:00:00' })
  expect(next(START + 15 * MINUTE)).toMatchObject({ startMs: START + 24 * 60 * MINUTE })
})

it('takes up what a host before it left, however late, while it would go on', () => {
  expect(next(START + 20 * MINUTE, { journal: journal({}) })).toMatchObject({ startMs: START, journal: {} })
  expect(next(START + 31 * MINUTE, { journal: journal({}) })).toMatchObject({ startMs: START + 24 * 60 * MINUTE })
})

it('does not hold again what is over, whoever ended it, even before its start', () => {
  const tomorrow = { startMs: START + 24 * 60 * MINUTE, journal: null }
  expect(next(START + 2 * MINUTE, { journal: journal({ phase: 'over' }) })).toMatchObject(tomorrow)
  expect(next(START - 2 * MINUTE, { journal: journal({ phase: 'over' }) })).toMatchObject(tomorrow)
})

it('passes over the sitting that somebody decided against, also one that was begun', () => {
  const passedOver = '2027-03-01T07:00:00'
  const tomorrow = { startMs: START + 24 * 60 * MINUTE, journal: null }
  expect(next(START - 2 * MINUTE, { passedOver })).toMatchObject(tomorrow)
  expect(next(START + 2 * MINUTE, { passedOver, journal: journal({}) })).toMatchObject(tomorrow)
})

it('begins by hand at once, and takes up one that was begun by hand', () => {
  expect(next(START, { isNow: true })).toMatchObject({ startMs: null, opensAtMs: START, local: null })
  const byHand = journal({ startMs: null, occurrence: '2027-03-01T06:00:00.000Z' })
  expect(next(START + 3 * MINUTE, { isNow: true, journal: byHand })).toMatchObject({
    journal: byHand,
    isScheduled: false,
  })
  expect(next(START, { isNow: true, journal: journal({}) })).toMatchObject({ journal: null })
})

it('takes up by place, or a pause, for a day', () => {
  const place = { ...script, when: { ...script.when, crash: 'place' as const } }
  const left = journal({ startMs: null })
  for (const [hours, isTakenUp] of [
    [20, true],
    [25, false],
  ] as const) {
    const nowMs = left.writtenMs + hours * 60 * MINUTE
    expect(next(nowMs, { script: place, journal: left, isNow: true })!.journal !== null).toBe(isTakenUp)
    const paused = { ...left, human: { by: 'Ana', sinceMs: START } }
    expect(next(nowMs, { journal: paused, isNow: true })!.journal !== null).toBe(isTakenUp)
  }
})

it('has nothing more to hold when the schedule is over', () => {
  const once = { ...script, schedule: { ...script.schedule!, rule: undefined } }
  expect(next(START + 60 * MINUTE, { script: once })).toBeNull()
})
