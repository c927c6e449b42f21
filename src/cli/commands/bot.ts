import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addBotCheck } from './bot-check.ts'
import { addBotCommands } from './bot-commands.ts'
import { addBotHost } from './bot-host.ts'
import { addBotNext } from './bot-next.ts'
import { addBotProgram } from './bot-program.ts'

export type BotPlayOptions = { room: string; loop?: boolean; wait: string; name?: string; jsonl?: boolean }

export const addBot = (program: Command, context: Context): void => {
  const bot = program.command('bot').description('a participant without a face')
  bot
    .command('play <files...>')
    .description('stream sound files into a room, one after the other, equally loud')
    .requiredOption('--room <room>', 'id, link or title of a live room')
    .option('--loop', 'begin again after the last file')
    .option('--wait <duration>', 'how long to wait to be let on stage, where you do not moderate', '60s')
    .option('--name <name>', 'who the bot is in the room')
    .option('--jsonl', 'one JSON line an event')
    .action(async (files: string[], options: BotPlayOptions) =>
      (await import('../bot.ts')).botPlay(context, files, options),
    )
  addBotHost(bot, context)
  addBotProgram(bot, context)
  addBotCheck(bot, context)
  addBotNext(bot, context)
  addBotCommands(bot, context)
}
