import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type BotCheckOptions = { variant?: string; json?: boolean }

export const addBotCheck = (bot: Command, context: Context): void => {
  bot
    .command('check <script>')
    .description('prove a session script before it goes on air: its sounds, times, loudness, speech and schedule')
    .option('--variant <name>', 'one of the script’s variants; without it all are checked')
    .option('--json', 'print one JSON document')
    .action(async (script: string, options: BotCheckOptions) =>
      (await import('../bot-check.ts')).botCheck(context, script, options),
    )
}
