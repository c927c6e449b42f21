import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type BotNextOptions = { count: string; json?: boolean }

export const addBotNext = (bot: Command, context: Context): void => {
  bot
    .command('next <script>')
    .description('when a session is held next: local time and UTC, and what is left out and why')
    .option('--count <n>', 'how many', '10')
    .option('--json', 'one JSON document')
    .action(async (script: string, options: BotNextOptions) =>
      (await import('../bot-next.ts')).botNext(context, script, options),
    )
}
