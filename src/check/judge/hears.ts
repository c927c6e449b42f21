import type { Expectation, HearLimits } from '../contract.ts'
import { delayFinding } from './delay.ts'
import { type Finding, limit } from './finding.ts'
import { gapShareFinding, longestGapFinding } from './gap-limits.ts'
import { heardFinding, neverAfterFinding, startCutFinding, withinFinding } from './onset.ts'
import { type Pair, pairOf } from './pair.ts'
import { levelFinding, likeFinding } from './quality.ts'
import { percent, type Scene } from './scene.ts'
import { msText } from './times.ts'
import { copiesFinding, voiceFinding } from './voices.ts'

type Hears = Extract<Expectation, { kind: 'hears' }>

/** What each limit of `hears` says of one listener and one speaker. */
export const hearsFindings = (scene: Scene, expectation: Hears, listener: string, speaker: string): Finding[] => {
  const asked = limitsOf(expectation)
  const pair = pairOf(scene, expectation, listener, speaker)
  if ('problem' in pair) return asked.map(({ what, wanted }) => pair.problem(what, wanted))
  return asked
    .map(({ find }) => find(pair))
    .filter(
      ({ what, outcome }) => what !== 'voice' || expectation.voice === true || outcome === 'pass' || outcome === 'fail',
    )
}

type Asked = { what: string; wanted: string; find: (pair: Pair) => Finding }

const limitsOf = (limits: HearLimits): Asked[] => {
  const asked: Asked[] = []
  const add = (what: string, wanted: string, find: (pair: Pair, tell: ReturnType<typeof limit>) => Finding) =>
    asked.push({ what, wanted, find: (pair) => find(pair, limit(what, wanted)) })
  const { within, startCutMs, longestGapMs, gapShare, level, delay, neverAfter, like, copies } = limits
  const isOnlyNever =
    neverAfter !== null &&
    [within, startCutMs, longestGapMs, gapShare, level, delay, like, copies].every((one) => one === null)
  if (within) add('within', `within ${msText(within.ms)}`, (pair, tell) => withinFinding(pair, within, tell))
  else if (!isOnlyNever) add('heard', 'to be heard', heardFinding)
  if (!isOnlyNever) add('voice', 'their own voice', voiceFinding)
  if (startCutMs !== null)
    add('start-cut', `at most ${msText(startCutMs)}`, (pair, tell) => startCutFinding(pair, startCutMs, tell))
  if (longestGapMs !== null)
    add('longest-gap', `at most ${msText(longestGapMs)}`, (pair, tell) => longestGapFinding(pair, longestGapMs, tell))
  if (gapShare !== null)
    add('gap-share', `at most ${percent(gapShare)}`, (pair, tell) => gapShareFinding(pair, gapShare, tell))
  if (level)
    add('level', `${level.db} dBFS, ${level.toleranceDb} dB more or less`, (pair, tell) =>
      levelFinding(pair, level, tell),
    )
  if (delay) add('delay', delayText(delay), (pair, tell) => delayFinding(pair, delay, tell))
  if (neverAfter) add('never-after', 'silence from then on', (pair, tell) => neverAfterFinding(pair, neverAfter, tell))
  if (like) add('like', `at least ${like.atLeast}`, (pair, tell) => likeFinding(pair, like, tell))
  if (copies !== null)
    add('copies', copies === 1 ? 'only one copy' : `${copies} copies`, (pair, tell) =>
      copiesFinding(pair, copies, tell),
    )
  return asked
}

const delayText = (delay: NonNullable<HearLimits['delay']>): string =>
  (['p50', 'p95', 'p99'] as const)
    .flatMap((name) => (delay[`${name}Ms`] === null ? [] : [`${name} at most ${msText(delay[`${name}Ms`]!)}`]))
    .join(', ')
