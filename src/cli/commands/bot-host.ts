import { type Command, Option } from 'commander'
import type { BotWatchOptions } from '../bot-watch.ts'
import type { Context } from '../context.ts'

export type BotRunOptions = BotWatchOptions & {
  variant?: string
  now?: boolean
  once?: boolean
  url?: string
  token?: string
  jsonl?: boolean
}

export type BotStatusOptions = { json?: boolean }
export type BotLogOptions = { from?: string; to?: string; csv?: boolean; json?: boolean }

/** What hosts sessions, and what tells of them afterwards. */
export const addBotHost = (bot: Command, context: Context): void => {
  bot
    .command('run <scripts...>')
    .description('host sessions: open each room at its time, play the program, go on to the next sitting')
    .option('--variant <name>', 'one of the script’s variants')
    .option('--now', 'begin at once, whatever the schedule says')
    .option('--once', 'one sitting and no more')
    .option('--url <url>', 'ws:// or wss:// address of any LiveKit server, instead of a roomtone server')
    .option('--token <token>', 'the key to a LiveKit room: itself, @FILE, or - for stdin')
    .option('--ear', 'a companion listens in each room whether it is heard')
    .option('--http <address>', 'health, metrics, calendar and commands at HOST:PORT')
    .option('--http-token <@file>', 'the token that commands over HTTP need')
    .addOption(new Option('--control <source>', 'commands to the program, one a line').choices(['stdin']))
    .addOption(new Option('--log <format>', 'what happens, on stderr').choices(['json']))
    .option('--jsonl', 'one JSON line an event')
    .action(async (scripts: string[], options: BotRunOptions) =>
      (await import('../bot-run.ts')).botRun(context, scripts, options),
    )
  bot
    .command('status [session]')
    .description('how the sessions are that are hosted on this machine')
    .option('--json', 'one JSON document')
    .action(async (session: string | undefined, options: BotStatusOptions) =>
      (await import('../bot-status.ts')).botStatus(context, session, options),
    )
  bot
    .command('log [session]')
    .description('what was on air: of one session (its name, or its script), or of all')
    .option('--from <time>', 'a day or a time in UTC')
    .option('--to <time>', 'a day, to its end, or a time in UTC')
    .option('--csv', 'comma-separated values (RFC 4180)')
    .option('--json', 'one JSON document')
    .action(async (session: string | undefined, options: BotLogOptions) =>
      (await import('../bot-log.ts')).botLog(context, session, options),
    )
}
