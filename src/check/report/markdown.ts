import type { Outcome, Report } from '../contract.ts'
import { nameOf } from './junit.ts'

const WORDS: Record<Outcome, string> = {
  pass: 'pass',
  fail: '**fail**',
  refused: '**refused**',
  inconclusive: '**not enough evidence**',
}

/** A summary for a pull request or a job's page: the outcome, a table of verdicts, and what those that did not pass rest on. */
export const markdownOf = (report: Report): string => {
  const open = report.verdicts.filter(({ outcome }) => outcome !== 'pass')
  const passed = report.verdicts.length - open.length
  return [
    `## ${cell(report.check)}: ${WORDS[report.outcome]}`,
    '',
    `${passed} of ${report.verdicts.length} verdicts passed in ${(report.durationMs / 1000).toFixed(1)} s (run ${report.runId}, ${report.startedAt}).`,
    ...(report.isPartial
      ? ['', `**The run was cut short: ${cell(report.cutShort ?? '')}.** What follows is as far as it came.`]
      : []),
    '',
    '| | expectation | measured | wanted |',
    '|---|---|---|---|',
    ...report.verdicts.map(
      (one) =>
        `| ${WORDS[one.outcome]} | ${cell(nameOf(one))} | ${cell(one.measured ?? one.code ?? '')} | ${cell(one.wanted)} |`,
    ),
    ...open.flatMap((one) => [
      '',
      `### ${cell(nameOf(one))}`,
      '',
      ...one.evidence.map((sentence) => `- ${cell(sentence)}`),
    ]),
    '',
  ].join('\n')
}

/** Names come from strangers: nothing of them is markup. */
const cell = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#]/g, (one) => `\\${one}`)
