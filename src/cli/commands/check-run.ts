import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type CheckRunOptions = { url?: string; json?: boolean }

export const addCheckRun = (check: Command, context: Context): void => {
  check
    .command('run <file>')
    .description('run a check (*.check.yaml) in a room of its own, on a server of its own or any LiveKit server')
    .option(
      '--url <ws-url>',
      'a LiveKit server, e.g. wss://livekit.example.org, by LIVEKIT_API_KEY and LIVEKIT_API_SECRET',
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\n  Exit code 0: all passed, 1: an expectation failed, 2: the file is wrong, 3: not enough evidence, 7: no server.',
    )
    .action(async (file: string, options: CheckRunOptions) =>
      (await import('../check-run.ts')).checkRun(context, file, options),
    )
}
