import type { Command } from 'commander'
import type { Context } from '../context.ts'

export const addCheck = (program: Command, context: Context): void => {
  const check = program.command('check').description('rooms under test: a verdict on what each listener heard')
  check
    .command('run <file>')
    .description('run a check file (*.check.yaml): on a server of its own, or any LiveKit server')
    .option(
      '--url <ws-url>',
      'a LiveKit server, e.g. wss://livekit.example.org, with LIVEKIT_API_KEY and LIVEKIT_API_SECRET',
    )
    .option('--json', 'print one JSON document')
    .action(async (file: string, options) => (await import('../check-run.ts')).checkRun(context, file, options))
}
