import type { Outcome, Report } from '../contract.ts'

type Case = Report['verdicts'][number]

/**
 * JUnit's XML as Jenkins, GitLab and others read it (the xunit plugin's junit-10.xsd): a test case for each verdict. What
 * failed is a `failure`; what was refused, or is not known, an `error`, as is a run that came to no verdict.
 */
export const junitOf = (report: Report): string => {
  const cases = report.verdicts.length > 0 ? report.verdicts.map((one) => caseOf(report, one)) : [emptyCase(report)]
  const counts = {
    tests: Math.max(1, report.verdicts.length),
    failures: count(report, ['fail']),
    errors: report.verdicts.length > 0 ? count(report, ['refused', 'inconclusive']) : 1,
  }
  const suite = {
    name: report.check,
    ...counts,
    skipped: 0,
    timestamp: report.startedAt.slice(0, 19),
    time: (report.durationMs / 1000).toFixed(3),
  }
  const properties = [
    ['run', report.runId],
    ['file', report.file],
    ['outcome', report.outcome],
    ['partial', String(report.isPartial)],
  ].map(([name, value]) => `      <property${attributes({ name: name!, value: value! })}/>`)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'roomtone check', time: suite.time, ...counts })}>`,
    `  <testsuite${attributes(suite)}>`,
    '    <properties>',
    ...properties,
    '    </properties>',
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

const count = ({ verdicts }: Report, outcomes: Outcome[]): number =>
  verdicts.filter(({ outcome }) => outcomes.includes(outcome)).length

const caseOf = (report: Report, one: Case): string => {
  const head = `    <testcase${attributes({ classname: report.check, name: nameOf(one), time: '0' })}`
  const details = [...one.evidence, ...(one.code === null ? [] : [`code: ${one.code}`])].join('\n')
  if (one.outcome === 'pass') return `${head}>\n      <system-out>${text(details)}</system-out>\n    </testcase>`
  const element = one.outcome === 'fail' ? 'failure' : 'error'
  const message = `${one.measured ?? one.code ?? one.outcome}; wanted: ${one.wanted}`
  return `${head}>\n      <${element}${attributes({ message, type: one.code ?? one.what })}>${text(details)}</${element}>\n    </testcase>`
}

const emptyCase = (report: Report): string =>
  `    <testcase${attributes({ classname: report.check, name: 'the run', time: '0' })}>\n      <error${attributes({ message: report.cutShort ?? 'nothing was judged', type: report.outcome })}/>\n    </testcase>`

/** What a verdict is called in a list of many. */
export const nameOf = ({
  listener,
  speaker,
  text: said,
  what,
}: Pick<Case, 'listener' | 'speaker' | 'text' | 'what'>): string =>
  `${listener && speaker ? `${listener} hears ${speaker}` : said}: ${what}`

const attributes = (values: Record<string, string | number>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${text(String(value)).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`)
    .join('')

// XML 1.0 has no way to write most control characters, and no lone surrogates.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu

const text = (value: string): string =>
  value.replace(FORBIDDEN, '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
