import type { Evidence, Outcome, Plan, Report, StepRecord, Verdict } from './contract.ts'
import { judge } from './judge/judge.ts'
import { type RunOptions, runCheck } from './run/run.ts'

export type Checked = { report: Report; evidence: Evidence }

/** Runs a plan, judges what was heard and seen, and reports. Throws as `runCheck` does. */
export const check = async (options: RunOptions): Promise<Checked> => {
  const startedAt = new Date().toISOString()
  const evidence = await runCheck(options)
  return { report: reportOf(options.plan, evidence, startedAt), evidence }
}

/** The verdicts of a run as one document: pure. */
const reportOf = (plan: Plan, evidence: Evidence, startedAt: string): Report => {
  const verdicts = [
    ...evidence.steps.flatMap((record) => stepVerdict(plan, record)),
    ...judge(plan, evidence).map((verdict) => ({ ...verdict, text: plan.expectations[verdict.expectation]!.text })),
  ]
  const outcome = outcomeOf(verdicts)
  const isInterrupted = evidence.cutShort === 'interrupted'
  return {
    check: plan.name,
    file: plan.file,
    runId: evidence.runId,
    startedAt,
    durationMs: evidence.durationMs,
    outcome,
    exitCode: isInterrupted ? INTERRUPTED : exitCodeOf(verdicts, outcome),
    isPartial: evidence.cutShort !== null,
    cutShort: evidence.cutShort,
    steps: evidence.steps.map((record) => ({ ...record, ...textOf(plan, record) })),
    actors: evidence.actors,
    verdicts,
    health: evidence.health,
  }
}

const INTERRUPTED = 130
const exitCodes: Record<Outcome, number> = { pass: 0, fail: 1, refused: 2, inconclusive: 3 }
/** Of what was refused, or could not be known, by whose doing. */
const exitCodesByCode: Record<string, number> = {
  'sign-in-needed': 4,
  quota: 7,
  unreachable: 7,
  'media-unavailable': 7,
}

/** A failure with all its evidence beats what was refused, which beats what is not known, which beats a pass. */
const outcomeOf = (verdicts: readonly Verdict[]): Outcome =>
  (['fail', 'refused', 'inconclusive'] as const).find((outcome) => verdicts.some((one) => one.outcome === outcome)) ??
  'pass'

const exitCodeOf = (verdicts: readonly Verdict[], outcome: Outcome): number => {
  const code = verdicts.find((one) => one.outcome === outcome && exitCodesByCode[one.code ?? ''] !== undefined)?.code
  return exitCodesByCode[code ?? ''] ?? exitCodes[outcome]
}

const textOf = (plan: Plan, { index }: StepRecord) => {
  const { text, by } = plan.steps[index]!
  return { text, by }
}

/** A step that could not be done is a verdict, too: the room did not let it be done, or the way to it broke. */
const stepVerdict = (plan: Plan, { index, startedAtMs, error }: StepRecord): Report['verdicts'] => {
  if (!error) return []
  const isElsewhere = exitCodesByCode[error.code] !== undefined
  const outcome = error.code === 'crashed' ? 'inconclusive' : isElsewhere ? 'refused' : 'fail'
  return [
    {
      expectation: -1,
      what: 'step',
      text: plan.steps[index]!.text,
      listener: null,
      speaker: null,
      outcome,
      code: outcome === 'fail' ? null : error.code,
      measured: error.message,
      wanted: 'done',
      evidence: [`Step ${index + 1}, begun at ${Math.round(startedAtMs)} ms: ${error.message}`],
      at: { fromMs: startedAtMs, untilMs: null },
    },
  ]
}
