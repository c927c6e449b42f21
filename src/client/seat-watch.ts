const LOOK_EVERY_MS = 1_000
const ASK_AFTER_MS = 2_000
const ANSWER_WITHIN_MS = 2_500

export type SeatWatchOptions = {
  /** Asks the seat for a sign of life. */
  ask(): void
  /** With the instant of its last sign (ISO 8601) when it does not answer, with undefined when it does again. */
  onChange(silentSince: string | undefined): void
}

/** Notices within five seconds that a seat does not answer: a process that is stopped, or hangs, keeps its connections. */
export const watchSeat = ({ ask, onChange }: SeatWatchOptions) => {
  let heardAtMs = performance.now()
  let askedAtMs: number | undefined
  let silentSince: string | undefined

  const look = () => {
    const nowMs = performance.now()
    if (askedAtMs === undefined) {
      if (nowMs - heardAtMs < ASK_AFTER_MS) return
      askedAtMs = nowMs
      return ask()
    }
    // An answer that came while this process itself was stopped is read before it is missed.
    if (silentSince === undefined && nowMs - askedAtMs >= ANSWER_WITHIN_MS) setImmediate(miss)
  }
  const miss = () => {
    if (askedAtMs === undefined) return
    silentSince = new Date(Date.now() - (performance.now() - heardAtMs)).toISOString()
    onChange(silentSince)
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()

  return {
    /** Anything came from it. */
    heard: () => {
      heardAtMs = performance.now()
      askedAtMs = undefined
      if (silentSince === undefined) return
      silentSince = undefined
      onChange(undefined)
    },
    close: () => {
      clearInterval(timer)
      askedAtMs = undefined
    },
  }
}
