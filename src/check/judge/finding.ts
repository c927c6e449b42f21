import type { Evidence, Expectation, Span, Verdict } from '../contract.ts'
import { msText, overlapMs, type Stretch, timeText } from './times.ts'

/** A verdict before it is known whose it is, and whether the runner can be trusted with it. */
export type Finding = Pick<Verdict, 'what' | 'outcome' | 'code' | 'measured' | 'wanted' | 'evidence' | 'at'> & {
  /**
   * For a failure that lateness or a hole in the runner could have made: when, and by how much the limit was missed.
   * A runner that was held up for that long then takes the blame.
   */
  excuse?: { during: Stretch; byMs: number }
}

type Found = { evidence: string[]; measured?: string | null; at?: Span | null; excuse?: Finding['excuse'] }

/** Findings of one limit. */
export const limit = (what: string, wanted: string) => {
  const found = (outcome: Verdict['outcome'], code: string | null, { measured = null, at = null, ...rest }: Found) => ({
    what,
    wanted,
    outcome,
    code,
    measured,
    at,
    ...rest,
  })
  return {
    judged: (isMet: boolean, rest: Found): Finding => found(isMet ? 'pass' : 'fail', null, rest),
    /** What would be needed is not there. */
    unknown: (code: string, ...evidence: string[]): Finding => found('inconclusive', code, { evidence }),
    refused: (code: string, ...evidence: string[]): Finding => found('refused', code, { evidence }),
  }
}

/** More of the cores' time than this was others': lateness says nothing about what was checked. */
const STARVED_SHARE = 0.2

/** What was said while the runner stood still, before this much later, is late by the runner. */
const AFTERMATH_MS = 200

/** The verdict of a finding: what a slow runner may have caused is no failure, and a run cut short passes nothing. */
export const verdictOf = (
  expectation: Expectation,
  { excuse, ...finding }: Finding,
  pair: { listener: string | null; speaker: string | null },
  evidence: Evidence,
): Verdict => {
  const verdict: Verdict = { expectation: expectation.index, ...pair, ...finding }
  const blame = finding.outcome === 'fail' && excuse ? runnersPart(excuse, pair.speaker, evidence) : null
  if (blame) return { ...verdict, outcome: 'inconclusive', code: 'runner', evidence: [...finding.evidence, blame] }
  if (finding.outcome === 'pass' && evidence.cutShort !== null)
    return {
      ...verdict,
      outcome: 'inconclusive',
      code: 'cut-short',
      evidence: [
        ...finding.evidence,
        `The run was cut short (${evidence.cutShort}): what would have followed is not known.`,
      ],
    }
  return verdict
}

const runnersPart = (
  { during, byMs }: { during: Stretch; byMs: number },
  speaker: string | null,
  { health, spoken }: Evidence,
): string | null => {
  if (health.starvedShare !== null && health.starvedShare > STARVED_SHARE)
    return `The runner had too little of the processor: others took ${Math.round(health.starvedShare * 100)} % of the time it could have run.`
  const heldUp = stallsDuring(health.stalls, during)
  const unread = stallsDuring(spoken.find(({ actor }) => actor === speaker)?.stalls ?? [], during)
  const total = Math.max(heldUp.ms, unread.ms)
  if (total === 0 || total < byMs) return null
  return unread.ms > heldUp.ms
    ? `The runner fell behind with what ${speaker} said, by ${msText(unread.ms)} near ${timeText(unread.atMs)}.`
    : `The runner itself stood still for ${msText(heldUp.ms)} near ${timeText(heldUp.atMs)}.`
}

const stallsDuring = (stalls: readonly { atMs: number; ms: number }[], during: Stretch) => {
  const wide = { fromMs: during.fromMs - AFTERMATH_MS, untilMs: during.untilMs + AFTERMATH_MS }
  const inside = stalls.filter(({ atMs, ms }) => overlapMs({ fromMs: atMs, untilMs: atMs + ms }, wide) > 0)
  return { ms: inside.reduce((sum, { ms }) => sum + ms, 0), atMs: inside[0]?.atMs ?? 0 }
}
