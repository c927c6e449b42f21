import { type Command, InvalidArgumentError } from 'commander'
import { type ReportKind, reportKinds } from '../../check/report/kinds.ts'
import type { Context } from '../context.ts'

export type CheckRunOptions = {
  url?: string
  json?: boolean
  report?: [kind: ReportKind, path: string][]
  keepAudio?: string
  keepStrangers?: boolean
}

export const addCheckRun = (check: Command, context: Context): void => {
  check
    .command('run <file>')
    .description('run a check (*.check.yaml) in a room of its own, on a server of its own or any LiveKit server')
    .option(
      '--url <ws-url>',
      'a LiveKit server, e.g. wss://livekit.example.org, by LIVEKIT_API_KEY and LIVEKIT_API_SECRET',
    )
    .option('--json', 'print one JSON document')
    .option('--report <kind=file,...>', `also write reports: ${reportKinds.join(', ')}`, reportsOf)
    .option(
      '--keep-audio <dir>',
      'where not all passed: a WAV file for each who spoke and each who heard, and the timeline as text',
    )
    .option('--keep-strangers', 'with --keep-audio, also the sound of those whom the check did not start')
    .addHelpText(
      'after',
      '\n  Exit code 0: all passed, 1: an expectation failed, 2: the file is wrong, 3: not enough evidence, 7: no server.',
    )
    .action(async (file: string, options: CheckRunOptions) =>
      (await import('../check-run.ts')).checkRun(context, file, options),
    )
}

const reportsOf = (value: string, before: [ReportKind, string][] = []): [ReportKind, string][] => [
  ...before,
  ...value.split(',').map((part): [ReportKind, string] => {
    const [name, ...rest] = part.split('=')
    const [kind, path] = [reportKinds.find((one) => one === name), rest.join('=')]
    if (kind === undefined || path === '')
      throw new InvalidArgumentError(
        `"${part}" is no report: it is one of ${reportKinds.map((one) => `${one}=FILE`).join(', ')}.`,
      )
    return [kind, path]
  }),
]
