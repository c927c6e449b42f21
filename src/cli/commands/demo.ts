import type { Command } from 'commander'
import type { Context } from '../context.ts'

export type DemoOptions = { for?: string; speaker?: string }

export const addDemo = (program: Command, context: Context): void => {
  program
    .command('demo')
    .description('all on this machine, in a throwaway home: a server, a guide bot, you listening')
    .option('--for <duration>', 'end after so long (30s without a terminal)')
    .option('--speaker <name>', 'a device, none, stdout or file:PATH.wav')
    .action(async (options: DemoOptions) => (await import('../demo.ts')).demo(context, options))
}
