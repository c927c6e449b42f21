import type { Command } from 'commander'
import type { Context } from '../context.ts'

/** `roomtone` alone: the hallway on a terminal, help on a pipe. */
export const addHallway = (program: Command, context: Context): void => {
  program.allowExcessArguments().action(async (_options, command: Command) => {
    // With an action of its own the root takes any word; commander's answer to an unknown one is wanted all the same.
    if (command.args.length > 0) return (command as Command & { unknownCommand(): never }).unknownCommand()
    if (context.stdin.isTTY !== true || context.stdout.isTTY !== true) return program.outputHelp()
    const { faceOf } = await import('../face.ts')
    if ((await faceOf(context)) === 'lines') return (await import('../hallway-lines.ts')).hallwayInLines(context)
    context.exitWith(await (await import('../hallway.ts')).showHallway(context))
  })
}
