import { resolve } from 'node:path'
import { check } from '../check/check.ts'
import type { Outcome, Plan, Report, StepPlan, StepRecord } from '../check/contract.ts'
import { loadCheck } from '../check/file/load.ts'
import { hidingSecrets, withoutSecrets } from '../check/report/secrets.ts'
import {
  checkAudioFolder,
  checkReportPaths,
  type ReportPaths,
  writeAudio,
  writeReports,
} from '../check/report/write.ts'
import type { RunOptions } from '../check/run/run.ts'
import { cleanLine } from '../protocol/text.ts'
import { placeText, type ScriptError } from '../yaml/problem.ts'
import { openCheckServer } from './check-server.ts'
import type { CheckRunOptions } from './commands/check-run.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'
import { failure } from './failure.ts'
import { refusalOf } from './script-file.ts'

/** Runs a check file and prints the verdicts; the exit code is the worst of them. */
export const checkRun = async (context: Context, path: string, options: CheckRunOptions): Promise<void> => {
  const file = resolve(context.workingFolder, path)
  const { plan, livekit } = await loadCheck(file, { livekit: options.url }).catch((error: ScriptError) => {
    throw error.code === 'bad-script' ? refusalOf(context, error.problems) : error
  })
  const reportPaths = await reportPathsOf(context, options)
  const interrupting = new AbortController()
  context.onInterrupt(() => interrupting.abort())
  const server = await serverOf(context, livekit)
  const checked = await check({
    plan,
    server,
    actorEntry: entryOf('check-actor'),
    onStep: (step, record) => tellStep(context, step, record),
    signal: interrupting.signal,
  })
  const report = withoutSecrets(checked.report, hidingSecrets(secretsOf(context, server)))
  await writeReports(reportPaths, report, checked.evidence)
  if (options.keepAudio !== undefined && report.outcome !== 'pass') {
    const folder = resolve(context.workingFolder, options.keepAudio)
    const externals = plan.actors.filter(({ external }) => external !== null).map(({ name }) => name)
    await writeAudio(folder, report, checked.evidence, { externals, strangers: options.keepStrangers === true })
    context.output.note(`What was said and heard is in ${options.keepAudio}.`)
  }
  if (options.json) context.output.json(report)
  else print(context, plan, report)
  context.exitWith(report.exitCode)
}

const serverOf = async (context: Context, livekit: string | null): Promise<RunOptions['server']> => {
  if (livekit === null) return { plane: 'room', server: await openCheckServer(context) }
  const { LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = context.env
  if (!apiKey || !apiSecret)
    throw failure(
      'bad-input',
      'a check of a LiveKit server makes its own tokens and its own room: it needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET',
    )
  return { plane: 'livekit', server: { url: livekit, apiKey, apiSecret } }
}

/** Asked before anybody joins: a report that cannot be written is no reason to lose a run. */
const reportPathsOf = async (context: Context, { report, keepAudio }: CheckRunOptions): Promise<ReportPaths> => {
  const pathOf = (path: string) => resolve(context.workingFolder, path)
  const paths: ReportPaths = Object.fromEntries((report ?? []).map(([kind, path]) => [kind, pathOf(path)]))
  await checkReportPaths(paths)
  if (keepAudio !== undefined) await checkAudioFolder(pathOf(keepAudio))
  return paths
}

const secretsOf = ({ env }: Context, { plane, server }: RunOptions['server']): string[] =>
  [
    env.LIVEKIT_API_KEY,
    env.LIVEKIT_API_SECRET,
    env.LIVEKIT_TOKEN,
    env.ROOMTONE_TOKEN,
    ...(plane === 'livekit' ? [server.apiKey, server.apiSecret] : []),
  ].filter((secret) => secret !== undefined)

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`.padStart(7)

const tellStep = ({ output }: Context, { text }: StepPlan, { startedAtMs, doneAtMs, error }: StepRecord) => {
  if (error) output.note(`${seconds(startedAtMs)}  ${text}: ${cleanLine(error.message)}`)
  else if (doneAtMs === null) output.detail(`${seconds(startedAtMs)}  ${text} …`)
  else output.note(`${seconds(doneAtMs)}  ${text}`)
}

const styles = { pass: 'green', fail: 'red', inconclusive: 'yellow', refused: 'yellow' } as const
const words: Record<Outcome, string> = {
  pass: 'pass',
  fail: 'FAIL',
  inconclusive: 'not enough evidence',
  refused: 'refused',
}

const print = (context: Context, plan: Plan, { verdicts, outcome, isPartial, cutShort, durationMs }: Report): void => {
  const { output, workingFolder } = context
  output.table(
    ['verdict', 'expectation', 'limit', 'measured', 'wanted'],
    verdicts.map((one) => [
      output.paint(styles[one.outcome], words[one.outcome]),
      one.listener && one.speaker ? `${one.listener} hears ${one.speaker}` : one.text,
      one.what,
      one.measured ?? one.code ?? '',
      one.wanted,
    ]),
  )
  for (const one of verdicts.filter((each) => each.outcome !== 'pass')) {
    const place = plan.expectations[one.expectation]?.place
    const where = place ? ` (${placeText(place, workingFolder)})` : ''
    output.line('')
    output.line(`${output.paint(styles[one.outcome], words[one.outcome])}: ${one.text}, ${one.what}${where}`)
    for (const sentence of one.evidence) output.line(`  ${cleanLine(sentence)}`)
  }
  const passed = verdicts.filter((one) => one.outcome === 'pass').length
  if (isPartial) output.line(`The run was cut short: ${cutShort}`)
  output.line(
    `${output.paint(styles[outcome], words[outcome])}: ${passed} of ${verdicts.length} verdicts passed in ${(durationMs / 1000).toFixed(1)} s`,
  )
}
