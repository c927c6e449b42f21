import { type Command, Option } from 'commander'
import type { Context } from '../context.ts'

export type ServeOptions = {
  host: string
  port?: string
  data?: string
  sms?: string
  operator?: string
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
    .option('--json', 'say where it listens as one JSON document')
    .addOption(new Option('--embedded', 'as a command starts it: any port, outbox, ends when idle').hideHelp())
    .addOption(new Option('--idle <duration>', 'end after so long with nobody there').hideHelp())
    .action(async (options: ServeOptions) => (await import('../serve.ts')).serve(context, options))
}
