import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type BotRenderOptions = { out: string; variant?: string; from?: string; to?: string; json?: boolean }
export type BotPreviewOptions = { variant?: string; from?: string; speed: string; speaker?: string }

/** What makes a session's program heard without a room. */
export const addBotProgram = (bot: Command, context: Context): void => {
  bot
    .command('render <script>')
    .description("write a session's program into a file, as fast as it can be made")
    .requiredOption('-o, --out <file>', 'an .opus or .wav file')
    .option('--variant <name>', 'one of the script’s variants')
    .option('--from <cue|time>', 'begin at a cue, or at a time of the session such as 12:30')
    .option('--to <cue|time>', 'stop there')
    .option('--json', 'print one JSON document')
    .action(async (script: string, options: BotRenderOptions) =>
      (await import('../bot-render.ts')).botRender(context, script, options),
    )
  bot
    .command('preview <script>')
    .description("play a session's program on this machine's speaker")
    .option('--variant <name>', 'one of the script’s variants')
    .option('--from <cue|time>', 'begin at a cue, or at a time of the session such as 12:30')
    .option('--speed <factor>', 'from 1 to 32 times as fast, at the same pitch', '1')
    .option('--speaker <name>', 'a device, none, stdout or file:PATH.wav')
    .action(async (script: string, options: BotPreviewOptions) =>
      (await import('../bot-preview.ts')).botPreview(context, script, options),
    )
}
