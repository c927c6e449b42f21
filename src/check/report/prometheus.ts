import type { Outcome, Report } from '../contract.ts'

const OUTCOMES: Outcome[] = ['pass', 'fail', 'refused', 'inconclusive']

/** Prometheus' text format, for a textfile collector or a push gateway: gauges, as each run stands for itself. */
export const prometheusOf = (report: Report): string => {
  const check = `check="${label(report.check)}"`
  const lines = (name: string, help: string, samples: [labels: string, value: number][]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(([labels, value]) => `${name}{${[check, labels].filter(Boolean).join(',')}} ${value}`),
  ]
  return [
    ...lines('roomtone_check_passed', 'Whether all expectations were met: 1 or 0.', [
      ['', Number(report.outcome === 'pass')],
    ]),
    ...lines('roomtone_check_exit_code', 'The exit code of the check.', [['', report.exitCode]]),
    ...lines('roomtone_check_duration_seconds', 'How long the run took.', [['', report.durationMs / 1000]]),
    ...lines('roomtone_check_started_timestamp_seconds', 'When the run began.', [
      ['', Date.parse(report.startedAt) / 1000],
    ]),
    ...lines(
      'roomtone_check_verdicts',
      'Verdicts by limit and outcome.',
      [...new Set(report.verdicts.map(({ what }) => what))].flatMap((what) =>
        OUTCOMES.map((outcome): [string, number] => [
          `limit="${label(what)}",outcome="${outcome}"`,
          report.verdicts.filter((one) => one.what === what && one.outcome === outcome).length,
        ]),
      ),
    ),
    ...lines('roomtone_check_longest_stall_seconds', 'How long the runner itself stood still at most.', [
      ['', report.health.longestStallMs / 1000],
    ]),
    '',
  ].join('\n')
}

const label = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
