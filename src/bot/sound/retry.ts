import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 10_000
/** What went well for so long is asked again at once when it breaks. */
const STEADY_AFTER_MS = 30_000

/** Waits between two attempts, longer each time, up to 10 s; resolves at once when it is closed. */
export const createRetry = (signal: AbortSignal) => {
  let waitMs = FIRST_RETRY_MS
  let sinceMs = performance.now()
  return {
    wait: async () => {
      if (performance.now() - sinceMs > STEADY_AFTER_MS + waitMs) waitMs = FIRST_RETRY_MS
      await sleep(waitMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {})
      waitMs = Math.min(LAST_RETRY_MS, waitMs * 2)
      sinceMs = performance.now()
    },
  }
}
