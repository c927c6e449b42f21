import { type Player, startPlayer } from './player.ts'
import type { BotMessage, BotRequest } from './wire.ts'

/** How long leaving may take before the process ends regardless. */
const LEAVE_WITHIN_MS = 5000

let player: Player | undefined
const gains = new Map<number, PromiseWithResolver>()
type PromiseWithResolver = { promise: Promise<number>; resolve(gainDb: number): void }

const say = (message: BotMessage) => {
  if (process.connected) process.send?.(message)
}

const gainOf = (index: number): PromiseWithResolver => {
  const known = gains.get(index)
  if (known) return known
  let resolve!: (gainDb: number) => void
  const promise = new Promise<number>((onGain) => {
    resolve = onGain
  })
  gains.set(index, { promise, resolve })
  return gains.get(index)!
}

/** The one place where this process ends: a natural exit would crash in wrtc once a track was connected. */
const exit = () => {
  if (process.connected) process.disconnect()
  process.exit(0)
}

const stop = () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LEAVE_WITHIN_MS).unref()
  if (player) void player.stop()
  else exit()
}

process.on('message', (request: BotRequest) => {
  if (request.type === 'gain') gainOf(request.index).resolve(request.gainDb)
  if (request.type === 'stop') stop()
  if (request.type !== 'start') return
  player = startPlayer({
    order: request.order,
    gainDb: (index) => {
      if (!gains.has(index)) say({ type: 'gain-wanted', index })
      return gainOf(index).promise
    },
    onEvent: (event) => say({ type: 'event', event }),
  })
  // What was said last must have left before the channel closes.
  void player.done.then(() => process.send?.({ type: 'over' }, exit) ?? exit())
})
process.on('disconnect', stop)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
