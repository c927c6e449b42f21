import { resolve } from 'node:path'
import { createSoundFile } from '../audio/files/sound-file.ts'
import { renderProgram } from '../bot/program/render.ts'
import { clockOf, loadPlayable, timeInPlan } from './bot-script.ts'
import type { BotRenderOptions } from './commands/bot-program.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'

/** Writes a session's program into a file, as fast as it can be made. */
export const botRender = async (context: Context, script: string, options: BotRenderOptions): Promise<void> => {
  const { output, workingFolder } = context
  const { plan, open, script: session } = await loadPlayable(context, script, options.variant)
  const fromMs = options.from === undefined ? 0 : timeInPlan(plan, options.from, '--from')
  const toMs = options.to === undefined ? plan.endMs : timeInPlan(plan, options.to, '--to')
  if (toMs === null) throw failure('bad-input', 'this session has no end of its own: say where to stop, with --to')
  if (toMs <= fromMs) throw failure('bad-input', `--to ${clockOf(toMs)} is not after --from ${clockOf(fromMs)}`)
  const path = resolve(workingFolder, options.out)
  const tags = { TITLE: session.room.title }
  const file = await createSoundFile(path, { channels: plan.channels, tags })
  let signal: NodeJS.Signals | undefined
  context.onInterrupt((told) => {
    signal = told
  })
  const warnings: string[] = []
  const beganMs = performance.now()
  try {
    const lengthMs = await renderProgram({
      ...{ plan, open, fromMs, toMs, write: file.write },
      onEvent: (event) => {
        if (event.type !== 'warning') return
        warnings.push(event.message)
        output.note(`warning: ${event.message}`)
      },
      isStopped: () => signal !== undefined,
    })
    if (signal) return await file.abandon().then(() => context.exitWith(130))
    await file.close()
    const seconds = (performance.now() - beganMs) / 1000
    const times = lengthMs / 1000 / seconds
    if (options.json) output.json({ file: path, durationMs: lengthMs, channels: plan.channels, warnings })
    else
      output.line(`${path}: ${clockOf(lengthMs)}, made in ${seconds.toFixed(1)} s (${times.toFixed(0)} times as fast)`)
  } catch (error) {
    await file.abandon()
    throw error
  }
}
