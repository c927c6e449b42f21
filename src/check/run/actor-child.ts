import type { Actor } from './actor.ts'
import type { ActorMessage, ActorRequest } from './wire.ts'

/** How long leaving may take before the process ends regardless. */
const LEAVE_WITHIN_MS = 8000

let actor: Actor | undefined

const say = (message: ActorMessage) => {
  if (process.connected) process.send?.(message)
}

/** The one place where this process ends: a natural exit would crash in wrtc once a track was connected. */
const exit = () => process.kill(process.pid, 'SIGKILL')

const finish = async () => {
  setTimeout(exit, LEAVE_WITHIN_MS).unref()
  await actor?.finish().catch(() => {})
  // What was said last must have left before the process ends.
  if (process.connected) process.send?.({ type: 'over' }, exit)
  else exit()
}

process.on('message', async (request: ActorRequest) => {
  if (request.type === 'finish') return finish()
  if (request.type === 'start') {
    const { startActor } = await import('./actor.ts')
    actor = startActor(request.order, say)
    return say({ type: 'done', id: 0 })
  }
  const { id, action, roomId } = request
  try {
    await actor!.act(action, roomId)
    say({ type: 'done', id })
  } catch (error) {
    const { code = 'failed', message } = error as Error & { code?: string }
    say({ type: 'failed', id, code, message })
  }
})
// The runner is gone: nobody may stay in the room for it.
process.on('disconnect', () => void finish())
// A terminal tells the runner, too, and that one says what is to be done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
