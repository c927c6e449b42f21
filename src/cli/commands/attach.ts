import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type AttachOptions = { seat?: string; jsonl?: boolean }

export const addAttach = (program: Command, context: Context): void => {
  program
    .command('attach')
    .description('show a seat that runs, as after its terminal was closed')
    .option('--seat <id>', 'which seat, when several run')
    .option('--jsonl', 'one JSON line an event, those that were missed first')
    .action(async (options: AttachOptions) => (await import('../attach.ts')).attach(context, options))
}
