import type { PlanContent } from './contract.ts'

type Sounds = Pick<Extract<PlanContent, { kind: 'sounds' }>, 'weights' | 'order' | 'isLooped'>

/**
 * Which sound is the n-th that a list plays; undefined after the last. The same seed gives the same order, so that a
 * restarted session goes on in the list that it began. What is shuffled comes once a round and not twice in a row; by
 * weight a loop draws freely, but for what has just been.
 */
export const createOrder = (
  { weights, order, isLooped }: Sounds,
  seed: string,
): ((ordinal: number) => number | undefined) => {
  const random = createRandom(seed)
  const drawn: number[] = []
  const count = weights.length
  const everything = weights.map((_, index) => index)
  const draw = () => {
    if (order === 'weighted' && isLooped) drawn.push(pick(others(everything, drawn.at(-1)), weights, random()))
    else drawn.push(...nextRound(everything, weights, order, random, drawn.at(-1)))
  }
  return (ordinal) => {
    if (count === 0 || (!isLooped && ordinal >= count)) return undefined
    if (order === 'given') return ordinal % count
    while (drawn.length <= ordinal) draw()
    return drawn[ordinal]
  }
}

const others = (all: number[], last: number | undefined) =>
  all.length > 1 ? all.filter((index) => index !== last) : all

const pick = (candidates: number[], weights: readonly number[], random: number): number => {
  let left = random * candidates.reduce((sum, index) => sum + weights[index]!, 0)
  for (const index of candidates) {
    left -= weights[index]!
    if (left < 0) return index
  }
  return candidates.at(-1)!
}

/** All once; by weight, the heavier rather earlier. */
const nextRound = (
  all: number[],
  weights: readonly number[],
  order: Sounds['order'],
  random: () => number,
  last: number | undefined,
) => {
  const left = [...all]
  const round: number[] = []
  while (left.length > 0) {
    const candidates = round.length === 0 ? others(left, last) : left
    const equal = order === 'weighted' ? weights : all.map(() => 1)
    const next = pick(candidates, equal, random())
    round.push(next)
    left.splice(left.indexOf(next), 1)
  }
  return round
}

/** mulberry32, seeded with the FNV-1a hash of a text: numbers from 0 to 1, small and repeatable. */
const createRandom = (seed: string) => {
  let state = 0x811c9dc5
  for (const character of seed) state = Math.imul(state ^ character.codePointAt(0)!, 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
