import type { Command } from 'commander'
import type { Context } from '../context.ts'

export const addDoctor = (program: Command, context: Context): void => {
  program
    .command('doctor')
    .description('what works on this machine, and what mends the rest')
    .option('--json', 'one JSON document')
    .action(async (options: { json?: boolean }) => (await import('../doctor.ts')).doctor(context, options))
}
