import { FRAME_MS } from './frame.ts'

/** Where a clock stands: frame `n` is due at `startMs + n * 10`; `nextIndex` is the first one not yet run. */
export type FrameClockState = { startMs: number; nextIndex: number }

export type FrameClock = { close(): void }

export type FrameClockOptions = {
  /**
   * Called once for every frame that is due; the index counts media time and jumps over skipped frames. `behind`: so
   * many later frames are due as well, as after a delay that is caught up.
   */
  onFrame(index: number, behind: number): void
  /** Told after a stall, before the next frame: how many frames will never come. */
  onSkip?(skippedFrames: number): void
  /** Lateness up to this is caught up frame by frame; beyond it the clock skips ahead. */
  stallMs?: number
}

/**
 * Runs `onFrame` every 10 ms without drift. All clocks of a process share one timer, so they tick together. A short
 * delay of the event loop is caught up; after a stall the missed frames are skipped, because a burst of late audio
 * would be time-stretched by every receiver.
 */
export const startFrameClock = ({ onFrame, onSkip, stallMs = 100 }: FrameClockOptions): FrameClock => {
  let state: FrameClockState = { startMs: nextGridMs(performance.now()), nextIndex: 0 }
  const tick = (nowMs: number) => {
    const due = dueFrames(state, nowMs, stallMs)
    state = due.state
    if (due.skipped > 0) onSkip?.(due.skipped)
    for (let index = due.firstIndex; index < state.nextIndex && ticks.has(tick); index++)
      onFrame(index, state.nextIndex - 1 - index)
  }
  ticks.add(tick)
  schedule()
  return {
    close: () => {
      ticks.delete(tick)
      if (ticks.size === 0) stopTimer()
    },
  }
}

/** Which frames to run now: from `firstIndex` up to `state.nextIndex`, after leaving out `skipped` stale ones. */
export const dueFrames = (
  { startMs, nextIndex }: FrameClockState,
  nowMs: number,
  stallMs: number,
): { firstIndex: number; skipped: number; state: FrameClockState } => {
  // A hair of tolerance: timers may fire a fraction of a millisecond before the grid point they were set for.
  const dueIndex = Math.floor((nowMs - startMs) / FRAME_MS + 0.05) + 1
  const due = Math.max(0, dueIndex - nextIndex)
  const skipped = (due - 1) * FRAME_MS > stallMs ? due - 1 : 0
  return { firstIndex: nextIndex + skipped, skipped, state: { startMs, nextIndex: nextIndex + due } }
}

const ticks = new Set<(nowMs: number) => void>()
let timer: NodeJS.Timeout | undefined
let turn: NodeJS.Immediate | undefined
let gridMs: number | undefined

const nextGridMs = (nowMs: number): number => {
  gridMs ??= nowMs
  return gridMs + Math.ceil((nowMs - gridMs) / FRAME_MS) * FRAME_MS
}

const schedule = () => {
  if (timer) return
  const nowMs = performance.now()
  const delayMs = nextGridMs(nowMs) - nowMs
  timer = setTimeout(afterArrivals, delayMs < 0.5 ? FRAME_MS : delayMs)
}

/** What arrived while the loop was busy is taken in first: frames that are caught up then find their sound. */
const afterArrivals = () => {
  turn = setImmediate(runTicks)
}

const runTicks = () => {
  timer = undefined
  // The next tick is set first, so that a frame that throws does not silence the other clocks.
  if (ticks.size > 0) schedule()
  const nowMs = performance.now()
  for (const tick of [...ticks]) tick(nowMs)
}

const stopTimer = () => {
  clearTimeout(timer)
  clearImmediate(turn)
  timer = undefined
}
