import type { Command } from 'commander'
import type { Context } from '../context.ts'

export const addCompletion = (program: Command, context: Context): void => {
  program
    .command('completion <shell>')
    .description('print a completion script: bash, zsh or fish')
    .addHelpText('after', '\n  bash: source <(roomtone completion bash)\n  fish: roomtone completion fish | source')
    .action(async (shell: string) => {
      const { completionScript } = await import('../completion-script.ts')
      context.output.line(completionScript(program, shell))
    })
}
