import { type Command, Option } from 'commander'
import type { Context } from '../context.ts'
import type { MediaFlags } from '../media-options.ts'

export type ServeOptions = MediaFlags & {
  host: string
  port?: string
  data?: string
  sms?: string
  operator?: string
  alert?: string[]
  json?: boolean
  embedded?: boolean
  idle?: string
}

export const addServe = (program: Command, context: Context): void => {
  program
    .command('serve')
    .description('run the server: people, rooms and sound, in one process and its media child')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'TCP port; 0 for any free one (default 8080)')
    .option('--data <folder>', 'where it keeps its data (DATABASE_URL names a PostgreSQL server instead)')
    .option('--sms <door>', 'console, outbox:FILE or webhook:URL (default console)')
    .option('--operator <number>', 'phone number of the first operator, e.g. +4915112345678')
    .option(
      '--alert <receiver>',
      'told of a scheduled session that nobody opened: webhook:URL or command:PROGRAM; may be given again',
      (value: string, known: string[] = []) => [...known, value],
    )
    .option('--media-address <ip>', 'address that clients send sound to (default: the one of --host)')
    .option('--media-port <number>', 'UDP port for sound; each worker takes one, in a row (default: any free ones)')
    .option('--media-workers <number>', 'processes that share the rooms among them (default 1)')
    .option('--turn <url>', 'TURN server to offer to clients; its secret in ROOMTONE_TURN_SECRET')
    .option('--json', 'say where it listens as one JSON document')
    .addOption(new Option('--embedded', 'as a command starts it: any port, outbox, ends when idle').hideHelp())
    .addOption(new Option('--idle <duration>', 'end after so long with nobody there').hideHelp())
    .addHelpText(
      'after',
      '\nGET /metrics gives figures for Prometheus: to this machine, and to the bearer of ROOMTONE_METRICS_TOKEN where that is set.',
    )
    .action(async (options: ServeOptions) => (await import('../serve.ts')).serve(context, options))
}
