import { describe, expect, it } from 'vitest'
import { createOrder } from '../../../../src/bot/program/order.ts'
import { planOf } from '../../../../src/bot/program/plan.ts'
import {
  after,
  at,
  bedCue,
  bell,
  cue,
  factsOf,
  floor,
  place,
  play,
  say,
  scriptOf,
  silence,
  steady,
} from './program-fixtures.ts'

const sounds = { hello: steady(2, 1), song: steady(200, 1), bell: steady(9, 1), 'shipped-bell': steady(9, 1) }
const planned = (...given: Parameters<typeof scriptOf>) => planOf(scriptOf(...given), factsOf(sounds), 'seed')
const messages = (...given: Parameters<typeof scriptOf>) => planned(...given).problems.map(({ message }) => message)

describe('plan', () => {
  it('says when each cue begins and how long it is', () => {
    const { plan, problems } = planned(
      [
        cue('b', at(0), bell(3, 8)),
        cue('s', after, say('hello')),
        cue('q', after, silence(60)),
        cue('e', { kind: 'every', everyMs: 60_000, fromMs: 30_000, untilMs: null }, bell()),
        cue('end', { kind: 'from-end', ms: 10_000 }, say('hello')),
        cue('m', { kind: 'manual' }, bell()),
      ],
      { endMs: 120_000 },
    )
    expect(problems).toEqual([])
    expect(plan.entries.map((entry) => [entry.cue, entry.atMs, entry.lengthMs])).toEqual([
      ['b', 0, 25_000],
      ['s', 25_000, 2000],
      ['q', 27_000, 60_000],
      ['e', 30_000, 9000],
      ['end', 110_000, 2000],
      ['m', null, 9000],
    ])
  })

  it('ends with the last cue where no end is given', () => {
    expect(planned([cue('b', at(5), bell(2, 8)), cue('x', at(0), bedCue(null))]).plan.endMs).toBe(22_000)
    expect(planned([cue('p', at(0), play('song', { isLooped: true }))]).plan.endMs).toBeNull()
  })

  it('goes on after the longest of what came before, a bell within a silence, say', () => {
    const { plan } = planned([cue('q', at(0), silence(40)), cue('hint', at(30), bell()), cue('s', after, say('hello'))])
    expect(plan.entries[2]!.atMs).toBe(40_000)
  })

  it('plays what has no end until the next voice', () => {
    const { plan, problems } = planned([
      cue('p', at(0), play('song', { isLooped: true })),
      cue('s', at(500), say('hello')),
    ])
    expect(problems).toEqual([])
    expect(plan.entries[0]!.lengthMs).toBe(500_000)
  })

  it('refuses voices at once, with both places', () => {
    const second = { ...cue('s', at(100), say('hello')), place: { ...place, line: 7 } }
    const { problems } = planned([cue('p', at(0), play('song')), second])
    expect(problems).toEqual([
      {
        place: second.place,
        message: 's begins at 1:40, but p (line 1) sounds until 3:20: move one of them, or make it shorter',
      },
    ])
    expect(messages([cue('f', at(0), floor(60)), cue('s', at(10), say('hello'))])[0]).toMatch(
      /the floor is open until 1:00/,
    )
  })

  it('refuses what lies after the end or before the start, and what never begins', () => {
    expect(messages([cue('s', at(60), say('hello'))], { endMs: 60_000 })[0]).toMatch(
      /begins at 1:00, but the session ends at 1:00/,
    )
    expect(messages([cue('p', at(0), play('song'))], { endMs: 60_000 })[0]).toMatch(/would last until 3:20/)
    expect(messages([cue('s', { kind: 'from-end', ms: 90_000 }, say('hello'))], { endMs: 60_000 })[0]).toMatch(
      /before the session/,
    )
    expect(messages([cue('p', at(0), play('song', { isLooped: true })), cue('s', after, silence(1))])[0]).toMatch(
      /would never begin/,
    )
    expect(messages([cue('m', { kind: 'manual' }, bell())])[0]).toMatch(/no time at all/)
  })
})

describe('the order of a list', () => {
  const take = (
    order: 'given' | 'shuffle' | 'weighted',
    isLooped: boolean,
    seed: string,
    weights = [1, 1, 1, 1, 1],
  ) => {
    const of = createOrder({ weights, order, isLooped }, seed)
    return Array.from({ length: 4000 }, (_, n) => of(n))
  }

  it('is the same for the same seed, and another for another', () => {
    expect(take('shuffle', true, 'a')).toEqual(take('shuffle', true, 'a'))
    expect(take('shuffle', true, 'a')).not.toEqual(take('shuffle', true, 'b'))
  })

  it('has each once a round, and none twice in a row', () => {
    const shuffled = take('shuffle', true, 'a')
    for (let n = 0; n < 4000; n += 5) expect(new Set(shuffled.slice(n, n + 5)).size).toBe(5)
    expect(shuffled.some((index, n) => n > 0 && index === shuffled[n - 1])).toBe(false)
    expect(take('shuffle', false, 'a').filter((index) => index !== undefined)).toHaveLength(5)
  })

  it('draws by weight', () => {
    const drawn = take('weighted', true, 'a', [4, 1, 1, 1, 1])
    const share = drawn.filter((index) => index === 0).length / 4000
    // Never twice in a row: half of the time it is not among those to draw from.
    expect(share).toBeGreaterThan(0.3)
    expect(share).toBeLessThan(0.42)
  })
})
