/** Lets joins in one after the other, so that those who are in hear no gap however many come at once. */
export type Admission = {
  /** Resolves when it is this join's turn; throws an Error with code `full` when that would take too long. */
  turn(): Promise<void>
  /** How many wait. */
  waiting(): number
  close(): void
}

// Each look at the event loop lets one in if the loop was free: at most 100 in a second.
const LOOK_MS = 10
const LATE_MS = 5
// However busy the loop is, ten in a second are let in.
const PATIENCE_MS = 100
// roomtone gives a join eight seconds, livekit-client fifteen.
const MAX_WAIT_MS = 7000
const MAX_WAITING = 2000

type Waiting = { sinceMs: number; resolve(): void; reject(error: Error): void }

/** `now` gives milliseconds of a clock that never goes back. */
export const createAdmission = (now: () => number): Admission => {
  const queue: Waiting[] = []
  let timer: NodeJS.Timeout | undefined
  let lastMs = Number.NEGATIVE_INFINITY

  const look = (): void => {
    const dueMs = now() + LOOK_MS
    timer = setTimeout(() => {
      timer = undefined
      const isLate = now() - dueMs > LATE_MS
      if (!isLate || now() - lastMs >= PATIENCE_MS) letIn()
      if (queue.length > 0) look()
    }, LOOK_MS)
  }
  const letIn = (): void => {
    while (queue[0] && now() - queue[0].sinceMs > MAX_WAIT_MS) queue.shift()!.reject(tooMany())
    const next = queue.shift()
    if (!next) return
    lastMs = now()
    next.resolve()
  }

  return {
    turn: () => {
      if (queue.length === 0 && now() - lastMs >= LOOK_MS) {
        lastMs = now()
        return Promise.resolve()
      }
      if (queue.length >= MAX_WAITING) return Promise.reject(tooMany())
      return new Promise((resolve, reject) => {
        queue.push({ sinceMs: now(), resolve, reject })
        if (!timer) look()
      })
    },
    waiting: () => queue.length,
    close: () => {
      clearTimeout(timer)
      for (const { reject } of queue.splice(0)) reject(tooMany())
    },
  }
}

const tooMany = (): Error =>
  Object.assign(new Error('too many join at this moment: try again in a few seconds'), { code: 'full' })
