import type { Outcome, RunnerHealth } from './contract.ts'
import type { SwarmEvidence } from './swarm-evidence.ts'
import { type Figure, type MetricName, metricNames, type SwarmFigures } from './swarm-figures.ts'
import { type SwarmVerdict, valueText } from './swarm-judge.ts'

/** What `check room --json` prints. Nothing in it is secret. */
export type SwarmReport = {
  check: string
  server: string
  runId: string
  startedAt: string
  durationMs: number
  outcome: Outcome
  exitCode: number
  /** The run did not come to its end: what follows is as far as it came. */
  isPartial: boolean
  cutShort: SwarmEvidence['cutShort']
  participants: number
  participantMinutes: number
  verdicts: SwarmVerdict[]
  /** All rooms together first, with `room` null. */
  figures: SwarmFigures[]
  health: RunnerHealth
}

/** What `check server --json` prints. */
export type FitnessReport = Pick<SwarmReport, 'check' | 'server' | 'runId' | 'outcome' | 'exitCode' | 'verdicts'>

/** A failure with full evidence beats missing evidence, which beats a pass; an empty list is none. */
export const outcomeOf = (verdicts: { outcome: Outcome }[]): Outcome =>
  (['fail', 'refused', 'inconclusive'] as const).find((one) => verdicts.some(({ outcome }) => outcome === one)) ??
  (verdicts.length === 0 ? 'inconclusive' : 'pass')

const refusedExitCodes: Record<string, number> = { quota: 7, encrypted: 2 }

/** The exit codes of docs/cli.md. */
export const exitCodeOfVerdicts = (verdicts: SwarmVerdict[]): number => {
  const outcome = outcomeOf(verdicts)
  if (outcome !== 'refused') return { pass: 0, fail: 1, inconclusive: 3 }[outcome]
  const code = verdicts.find((one) => one.outcome === 'refused')?.code
  return refusedExitCodes[code ?? ''] ?? 2
}

export const figureLabels = ['room', 'figure', 'p50', 'p95', 'p99', 'worst', 'of']

/** A row for each figure that was measured, in the order of `figureLabels`. */
export const figureRows = (figures: SwarmFigures[]): string[][] =>
  figures.flatMap(({ room, metrics }) =>
    metricNames.flatMap((name) => {
      const figure = metrics[name]
      // A share of pairs says all that there is to say by its rate.
      if (!figure || name === 'heard') return []
      return [[room ?? 'all', name, ...cells(name, figure)]]
    }),
  )

/** Of what is good when it is much, the lowest twentieth and hundredth count. */
const cells = (name: MetricName, figure: Figure): string[] => {
  const text = (key: keyof Figure): string => valueText(name, key, figure[key] ?? 0)
  return [text('p50'), text('p95'), text('p99'), text(name === 'mos' ? 'min' : 'max'), String(figure.count)]
}
