import type { Moment } from '../contract.ts'
import { partsWithin } from './audible.ts'
import type { Finding, limit } from './finding.ts'
import {
  LEAST_SAID_MS,
  lengthMs,
  type Pair,
  saidInTime,
  saidText,
  silenceOf,
  soundMs,
  tracksText,
  unheard,
  unrecognised,
} from './pair.ts'
import { actorOf, soundsHeard } from './scene.ts'
import { momentOf, msText, type Stretch, timeText, togetherOf } from './times.ts'

export const heardFinding = (pair: Pair, tell: ReturnType<typeof limit>): Finding => {
  const missing = silenceOf(pair, tell)
  if (missing) return missing
  const ms = soundMs(pair)
  const first = pair.sounds[0]
  const isHeard = ms >= LEAST_SAID_MS / 2
  return tell.judged(isHeard, {
    measured: isHeard ? `from ${timeText(first!.fromMs)} on` : 'nothing',
    at: pair.together[0]!,
    evidence: [
      isHeard
        ? `${pair.listener} heard ${pair.speaker} from ${timeText(first!.fromMs)} on.`
        : `${tracksText(pair)}; ${msText(ms)} of it was audible${saidText(pair)}.`,
    ],
    excuse: isHeard ? undefined : { during: pair.window, byMs: lengthMs(saidInTime(pair) ?? []) || 1000 },
  })
}

/** From when the sound was due, and the first that came. */
export const withinFinding = (
  pair: Pair,
  { ms, of }: { ms: number; of: Moment | null },
  tell: ReturnType<typeof limit>,
): Finding => {
  const { evidence } = pair.scene
  const missing = silenceOf(pair, tell)
  if (missing) return missing
  const start = of === null ? spokenStart(pair) : momentOf(of, evidence)
  if (!start) return tell.unknown('step', 'The step from which it counts was not done.')
  const first = soundsHeard(pair.hearing).find(
    ({ fromMs, untilMs }) => untilMs > start.startedAtMs && fromMs <= pair.window.untilMs,
  )
  const firstMs = first && Math.max(first.fromMs, start.startedAtMs)
  const tookMs = firstMs === undefined ? null : Math.max(0, firstMs - start.atMs)
  const endMs = Math.min(pair.window.untilMs, evidence.durationMs)
  if (tookMs === null && start.atMs + ms > endMs)
    return tell.unknown('too-short', `The time to look at ended at ${timeText(endMs)}, before ${msText(ms)} were over.`)
  return tell.judged(tookMs !== null && tookMs <= ms, {
    measured: tookMs === null ? 'never' : msText(tookMs),
    at: { fromMs: start.atMs, untilMs: firstMs ?? endMs },
    evidence: [
      `It counts from ${timeText(start.atMs)}; ${
        firstMs === undefined
          ? `until ${timeText(endMs)} nothing of ${pair.speaker} was audible`
          : `the first sound came at ${timeText(firstMs)}`
      }. ${tracksText(pair)}.`,
    ],
    excuse: { during: { fromMs: start.atMs, untilMs: firstMs ?? endMs }, byMs: tookMs === null ? ms : tookMs - ms },
  })
}

/** When both were there and the speaker gave out sound. */
const spokenStart = (pair: Pair): { startedAtMs: number; atMs: number } | null => {
  const atMs = saidInTime(pair)?.[0]?.fromMs ?? pair.together[0]?.fromMs
  return atMs === undefined ? null : { startedAtMs: atMs, atMs }
}

export const startCutFinding = (pair: Pair, mostMs: number, tell: ReturnType<typeof limit>): Finding => {
  const missing = unheard(pair, tell) ?? unrecognised(pair, tell)
  if (missing) return missing
  const { together, sounds } = pair
  const [said, comparison] = [pair.said!, pair.comparison!]
  const turns = said.turns.filter((turn) =>
    together.some((stay) => turn.fromMs >= stay.fromMs && turn.fromMs < stay.untilMs),
  )
  const cuts = turns.flatMap((turn) => {
    const lagMs = comparison.lagAt(turn.fromMs)
    const dueMs = turn.fromMs + lagMs
    const first = sounds.find(({ untilMs }) => untilMs > dueMs - EARLY_MS)
    if (!first || first.fromMs > turn.untilMs + lagMs) return []
    return [{ turn, cutMs: Math.max(0, first.fromMs - dueMs), firstMs: first.fromMs }]
  })
  if (cuts.length === 0)
    return tell.unknown('not-spoken', `${pair.speaker} began nothing while ${pair.listener} was there.`)
  const worst = cuts.reduce((a, b) => (b.cutMs > a.cutMs ? b : a))
  // Of a tone the edges alone tell the lag; one that never ended tells only how much it is at most.
  const isAtMost = !comparison.isExact && worst.cutMs + (comparison.edgeMs ?? 0) > mostMs && !hasEnd(pair, worst.turn)
  if (isAtMost)
    return tell.unknown(
      'no-lag',
      `A tone that goes on to the end does not tell what of ${msText(worst.firstMs - worst.turn.fromMs)} was the way and what was missing.`,
    )
  return tell.judged(worst.cutMs <= mostMs, {
    measured: msText(worst.cutMs),
    at: { fromMs: worst.turn.fromMs, untilMs: worst.firstMs },
    evidence: [
      `${pair.speaker} began at ${timeText(worst.turn.fromMs)}, and ${pair.listener} heard it from ${timeText(worst.firstMs)} on; the way took ${msText(comparison.lagAt(worst.turn.fromMs))}.`,
    ],
    excuse: { during: { fromMs: worst.turn.fromMs, untilMs: worst.firstMs }, byMs: worst.cutMs - mostMs },
  })
}

/** A buffer that shrinks plays the next turn a little before it is due. */
const EARLY_MS = 100

const hasEnd = ({ scene, said }: Pair, turn: Stretch): boolean =>
  said!.turns.some((one) => one.untilMs >= turn.untilMs && one.untilMs < scene.evidence.durationMs - 500)

/** Sound for less than this after the end of speech is a rest in a buffer, not somebody who is heard. */
const LEAST_LEAK_MS = 30

export const neverAfterFinding = (pair: Pair, moment: Moment, tell: ReturnType<typeof limit>): Finding => {
  const { evidence } = pair.scene
  const start = momentOf(moment, evidence)
  if (!start) return tell.unknown('step', 'The step after which silence is expected was not done.')
  const rest = { fromMs: start.atMs, untilMs: pair.window.untilMs }
  const listener = actorOf(pair.scene, pair.listener)!
  const there = togetherOf([listener], rest, evidence.durationMs)
  if (lengthMs(there) < LEAST_SAID_MS)
    return tell.unknown(
      'never-there',
      `${pair.listener} was not in the room after ${timeText(start.atMs)}, so its silence says nothing.`,
    )
  const leaks = partsWithin(soundsHeard(pair.hearing), rest)
  const leakMs = lengthMs(leaks)
  const isCounted = leaks.length > 0 && pair.heard === null
  const isSilent = leakMs < LEAST_LEAK_MS && !isCounted
  const last = leaks.at(-1)
  return tell.judged(isSilent, {
    measured: isSilent
      ? 'silence'
      : isCounted
        ? `packets until ${timeText(last!.untilMs)}`
        : `${msText(leakMs)} of sound`,
    at: isSilent ? rest : { fromMs: leaks[0]!.fromMs, untilMs: last!.untilMs },
    evidence: [
      isSilent
        ? `Nothing of ${pair.speaker} was audible from ${timeText(rest.fromMs)} to ${timeText(rest.untilMs)}, while ${pair.listener} was there for ${msText(lengthMs(there))}.`
        : `${pair.speaker} was heard after ${timeText(rest.fromMs)}, until ${timeText(last!.untilMs)}.`,
    ],
    excuse: isSilent ? undefined : { during: rest, byMs: last!.untilMs - rest.fromMs },
  })
}
