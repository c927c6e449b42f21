import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { actAlone } from './group.ts'

/** `roomtone` alone: the hallway, by the face of this terminal; on a pipe help, unless lines are asked for. */
export const addHallway = (program: Command, context: Context): void =>
  actAlone(program, async () => {
    const { faceOf, isOnTerminal, wantsLines } = await import('../face.ts')
    if (!isOnTerminal(context) && !(await wantsLines(context))) return program.outputHelp()
    const face = await faceOf(context)
    // Beside the rest: the screen is most of what loads.
    if (face === 'screen') void import('../../tui/run.ts')
    context.exitWith(await (await import('../hallway.ts')).showHallway(context, face))
  })
