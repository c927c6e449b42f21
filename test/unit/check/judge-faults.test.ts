import { describe, expect, it } from 'vitest'
import { judge } from '../../../src/check/judge/judge.ts'
import { checkRoom, type Fault } from '../../support/check-room.ts'

/** Odd seeds lose 5 % of packets. More by hand: CHECK_SEEDS=20. */
const SEEDS = Array.from({ length: Number(process.env.CHECK_SEEDS ?? 1) }, (_, i) => i + 1)

/** What each fault breaks, and so what fails: nothing else may. */
const CAUGHT: Record<Fault, string[]> = {
  none: [],
  drops: ['longest-gap'],
  // Whose name comes first, and what it says, is then another's.
  swaps: ['like', 'order', 'voice'],
  delays: ['delay'],
  leaks: ['never-after'],
  doubles: ['copies'],
  silent: ['gap-share', 'like', 'longest-gap'],
  dead: ['order', 'within'],
  cuts: ['start-cut'],
}

describe.each(Object.keys(CAUGHT) as Fault[])('a media server that %s', (fault) => {
  it.each(SEEDS)('is told by what it breaks alone (seed %i)', async (seed) => {
    const lossShare = seed % 2 === 0 ? 0 : 0.05
    const { plan, evidence } = await checkRoom({ seed, fault, lossShare })
    const verdicts = judge(plan, evidence)
    const failed = verdicts.filter(({ outcome }) => outcome === 'fail')
    expect([...new Set(failed.map(({ what }) => what))].sort()).toEqual(CAUGHT[fault])
    if (fault === 'none') expect(verdicts.filter(({ outcome }) => outcome !== 'pass')).toEqual([])
    expect(verdicts.every((verdict) => verdict.evidence.length > 0)).toBe(true)
  })
})
