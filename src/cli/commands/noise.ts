import type { Command } from 'commander'
import type { Context } from '../context.ts'

export const addNoise = (program: Command, context: Context): void => {
  program
    .command('noise <on|off>')
    .description('take the noise out of your voice, from now on; running seats follow')
    .action(async (word: string) => (await import('../noise.ts')).chooseNoise(context, word))
}
