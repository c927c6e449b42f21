import { startFrameClock } from '../audio/clock.ts'
import { openSpeaker } from '../audio/devices.ts'
import { createFrame } from '../audio/frame.ts'
import { openSink } from '../audio/sinks/sink.ts'
import type { ProgramEvent } from '../bot/program/contract.ts'
import { createFastForward } from '../bot/program/fast-forward.ts'
import { createSessionProgram } from '../bot/program/session-program.ts'
import { clockOf, loadPlayable, timeInPlan } from './bot-script.ts'
import type { BotPreviewOptions } from './commands/bot-program.ts'
import type { Context } from './context.ts'
import { deviceOptions } from './devices.ts'
import { failure } from './failure.ts'
import { inFolder } from './seat-options.ts'

/** What is made ahead of the speaker. */
const AHEAD_FRAMES = 20

/** Plays a session's program here, and says what begins. */
export const botPreview = async (context: Context, script: string, options: BotPreviewOptions): Promise<void> => {
  const { output } = context
  const speed = Number(options.speed)
  if (!(speed >= 1 && speed <= 32))
    throw failure('bad-input', `--speed wants a number from 1 to 32, not "${options.speed}"`)
  const { plan, open } = await loadPlayable(context, script, options.variant)
  const startMs = options.from === undefined ? 0 : timeInPlan(plan, options.from, '--from')
  let stop!: (how: 'end' | 'interrupted') => void
  const stopped = new Promise<'end' | 'interrupted'>((resolve) => {
    stop = resolve
  })
  const speaker = inFolder(context, (await context.setting('speaker', options.speaker)) ?? 'default')
  const device = await deviceOptions(context)
  const sink = await openSink(speaker, {
    stdout: context.stdout,
    openSpeaker: (name) => openSpeaker(name, { ...device, channels: plan.channels }),
    channels: plan.channels,
    onError: (error) => output.problem(error),
    onClosed: () => stop('end'),
  })
  const program = createSessionProgram({ plan, open, startMs, onEvent: (event) => tell(event) })
  const tell = (event: ProgramEvent) => {
    const line = lineOf(event)
    if (line !== null) output.needed(line)
  }
  context.onInterrupt(() => stop('interrupted'))

  const forward = createFastForward((into) => program.read(into) !== 'ended', speed, plan.channels)
  const made: Int16Array[] = []
  const free = Array.from({ length: AHEAD_FRAMES }, () => createFrame(plan.channels))
  const silence = createFrame(plan.channels)
  let isOver = false
  const make = async () => {
    while (!isOver && free.length > 0) {
      await program.ready()
      const frame = free.pop()!
      if (!forward(frame)) isOver = true
      else made.push(frame)
    }
  }
  let making = make()
  const clock = startFrameClock({
    onFrame: () => {
      const frame = made.shift()
      sink.write(frame ?? silence)
      if (frame) free.push(frame)
      else if (isOver) stop('end')
      making = making.then(make)
    },
  })
  const how = await stopped
  clock.close()
  isOver = true
  await making
  await program.close()
  await sink.close()
  if (how === 'interrupted') context.exitWith(130)
}

const lineOf = (event: ProgramEvent): string | null => {
  if (event.type === 'warning') return `warning: ${event.message}`
  if (event.type !== 'began') return null
  const { atMs, cue, kind, title, artist, lengthMs } = event
  const what = [title ?? (kind === 'sound' ? null : kind), artist].filter((part) => part !== null && part !== cue)
  const length = lengthMs === null ? '' : `  ${clockOf(lengthMs)}`
  return `${clockOf(atMs).padStart(7)}  ${cue}${what.length > 0 ? `  ${what.join(' - ')}` : ''}${length}`
}
