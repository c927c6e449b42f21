import type { Command } from 'commander'
import type { Context } from '../context.ts'

type Place = { bot?: string; room?: string }

const alone: [verb: string, description: string][] = [
  ['pause', "pause a bot's program; it stays on air, silent"],
  ['resume', "go on with a bot's program"],
  ['skip', 'on to the next cue, or the next item of a playlist'],
  ['stop', "end a bot's program; the bot leaves"],
]
const withWords: [usage: string, description: string][] = [
  ['cue <words...>', 'begin a cue, by its name'],
  ['goto <words...>', 'go to a cue, or to a time of the session such as 12:30'],
  ['extend <words...>', 'let what sounds now last longer, e.g. 5m; -2m: less'],
  ['level <words...>', 'set a level: [voice|bed|bell] -6dB'],
]

/** Commands of a moderator to the program of a bot in a live room; they go through the server. */
export const addBotCommands = (bot: Command, context: Context): void => {
  for (const [verb, description] of alone)
    withPlace(bot.command(`${verb} [name]`))
      .description(description)
      .action(async (name: string | undefined, place: Place) =>
        (await import('../bot-command.ts')).commandBot(context, verb, [], { ...place, bot: name ?? place.bot }),
      )
  for (const [usage, description] of withWords)
    withPlace(bot.command(usage))
      .description(description)
      // A level such as -6dB looks like an option.
      .allowUnknownOption()
      .action(async (words: string[], place: Place) =>
        (await import('../bot-command.ts')).commandBot(context, usage.split(' ', 1)[0]!, words, place),
      )
}

const withPlace = (command: Command): Command =>
  command
    .option('--bot <name>', 'which bot, where a room has several')
    .option('--room <room>', 'id, link or title of a live room (else the one you moderate where a bot plays)')
