import type { Command } from 'commander'

/**
 * Gives a command that has commands below it something to do on its own. Called when those are there: they must refuse
 * the words that this one takes, as commander then has no answer of its own to an unknown command.
 */
export const actAlone = (command: Command, action: () => void | Promise<void>): void => {
  command.allowExcessArguments().action(() => {
    if (command.args.length > 0) return (command as Command & { unknownCommand(): never }).unknownCommand()
    return action()
  })
}
