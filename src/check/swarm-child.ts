import { setTimeout as wait } from 'node:timers/promises'
import type { SwarmAnswer, SwarmOrder } from './swarm.ts'
import { openDoor } from './swarm-door.ts'
import { runSwarm } from './swarm-run.ts'

/**
 * The process of a swarm: hundreds of native connections whose crash, or slow end, must not be the command's. One order
 * by IPC; without its parent it leaves the rooms and ends.
 */
const stop = new AbortController()
const LEAVE_WITHIN_MS = 5_000
const tell = (answer: SwarmAnswer): Promise<void> =>
  new Promise((resolve) => (process.connected ? process.send!(answer, () => resolve()) : resolve()))

const obey = async ({ plan, door }: Extract<SwarmOrder, { order: 'run' }>): Promise<void> => {
  const onProgress = (progress: object): void => void tell({ answer: 'progress', progress } as SwarmAnswer)
  try {
    const { evidence, leave } = await runSwarm({ plan, door: openDoor(door), onProgress, stopped: stop.signal })
    // Told before anything is taken down: what happens then changes nothing.
    await tell({ answer: 'evidence', evidence })
    await Promise.race([leave(), wait(LEAVE_WITHIN_MS)])
  } catch (error) {
    const { code = 'failed', message } = error as Error & { code?: string }
    await tell({ answer: 'error', code, message })
  }
  // Taking hundreds of native connections down in order may take seconds, and helps nobody.
  process.kill(process.pid, 'SIGKILL')
}

process.on('message', (order: SwarmOrder) => {
  if (order.order === 'stop') stop.abort()
  else void obey(order)
})
process.on('disconnect', () => stop.abort())
// The terminal's Ctrl+C reaches the whole group; the parent says when to stop.
process.on('SIGINT', () => {})
