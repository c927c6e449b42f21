import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { actAlone } from './group.ts'

/** `roomtone` alone: the hallway, by the face of this terminal; in lines on a pipe; help where nothing can be said to it. */
export const addHallway = (program: Command, context: Context): void =>
  actAlone(program, async () => {
    const { canBeToldWords, faceOf, isOnTerminal, wantsLines } = await import('../face.ts')
    const isAsked = isOnTerminal(context) || (await wantsLines(context)) || (await canBeToldWords(context))
    if (!isAsked) return program.outputHelp()
    const face = await faceOf(context)
    // Beside the rest: the screen is most of what loads.
    if (face === 'screen') void import('../../tui/run.ts')
    context.exitWith(await (await import('../hallway.ts')).showHallway(context, face))
  })
