import { setTimeout as sleep } from 'node:timers/promises'

export type EventuallyOptions = { withinMs: number; what: string; everyMs?: number }

/**
 * Waits until `probe` gives a truthy value without throwing and returns it. When time runs out it throws with the
 * probe's last answer or error, so that a failing test says why not yet.
 */
export const eventually = async <T>(
  probe: () => T | Promise<T>,
  { withinMs, what, everyMs = 20 }: EventuallyOptions,
): Promise<Exclude<T, false | null | undefined>> => {
  const deadline = performance.now() + withinMs
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value) return value as Exclude<T, false | null | undefined>
      last = value
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last)
      throw new Error(`not within ${withinMs} ms: ${what}; last seen: ${seen}`)
    }
    await sleep(everyMs)
  }
}
