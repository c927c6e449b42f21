import { createFrame, FRAME_MS } from '../../audio/frame.ts'
import type { OpenSoundAt, Plan, ProgramEvent } from './contract.ts'
import { createSessionProgram } from './session-program.ts'

export type RenderOptions = {
  plan: Plan
  open: OpenSoundAt
  /** Session time, in ms; from start to end unless given. */
  fromMs?: number
  toMs?: number
  onEvent(event: ProgramEvent): void
  /** Takes each frame, which is the renderer's again when it returns or resolves. */
  write(frame: Int16Array): Promise<void> | undefined
  /** Asked before each frame. */
  isStopped?(): boolean
}

/** Gives a program's frames as fast as they can be made; none is missing. Resolves with their length in ms. */
export const renderProgram = async (options: RenderOptions): Promise<number> => {
  const { plan, open, fromMs = 0, toMs = Number.POSITIVE_INFINITY, onEvent, write, isStopped } = options
  const program = createSessionProgram({ plan, open, startMs: fromMs, onEvent })
  const frame = createFrame(plan.channels)
  let renderedMs = 0
  try {
    while (fromMs + renderedMs < toMs && !isStopped?.()) {
      const late = program.ready()
      if (late) await late
      if (program.read(frame) === 'ended') break
      const full = write(frame)
      if (full) await full
      renderedMs += FRAME_MS
    }
  } finally {
    await program.close()
  }
  return renderedMs
}
