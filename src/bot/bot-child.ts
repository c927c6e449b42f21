import type { Host } from './host/host.ts'
import type { HostMessage, HostRequest } from './host/wire.ts'
import type { Player } from './player.ts'
import type { BotMessage, BotRequest } from './wire.ts'

/** How long leaving may take before the process ends regardless. */
const LEAVE_WITHIN_MS = 5000

let player: Player | undefined
let host: Host | undefined

const say = (message: BotMessage | HostMessage) => {
  if (process.connected) process.send?.(message)
}

/** The one place where this process ends: a natural exit would crash in wrtc once a track was connected. */
const exit = () => {
  if (process.connected) process.disconnect()
  process.exit(0)
}
// What was said last must have left before the channel closes.
const sayOver = () => process.send?.({ type: 'over' }, exit) ?? exit()

const stop = (isForGood = false) => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LEAVE_WITHIN_MS).unref()
  if (player) void player.stop()
  else if (host) void host.stop(isForGood)
  else exit()
}

process.on('message', async (request: BotRequest | HostRequest) => {
  switch (request.type) {
    case 'stop':
      return stop('isForGood' in request && request.isForGood)
    case 'start': {
      const { startPlayer } = await import('./player.ts')
      player = startPlayer(request.order, (event) => say({ type: 'event', event }))
      return void player.done.then(sayOver)
    }
    case 'host': {
      const { startHost } = await import('./host/host.ts')
      host = startHost(request.order, say)
      return void host.done.then(sayOver)
    }
    default:
      return host?.receive(request)
  }
})
process.on('disconnect', () => stop())
// A terminal tells the parent, too, and that one says whether the sittings are over.
process.on('SIGINT', () => host || stop())
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop())
