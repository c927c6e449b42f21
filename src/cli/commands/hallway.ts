import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { actAlone } from './group.ts'

/** `roomtone` alone: the hallway on a terminal, help on a pipe. */
export const addHallway = (program: Command, context: Context): void =>
  actAlone(program, async () => {
    if (context.stdin.isTTY !== true || context.stdout.isTTY !== true) return program.outputHelp()
    const { faceOf } = await import('../face.ts')
    if ((await faceOf(context)) === 'lines') return (await import('../hallway-lines.ts')).hallwayInLines(context)
    context.exitWith(await (await import('../hallway.ts')).showHallway(context))
  })
