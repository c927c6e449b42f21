import { type ChildProcess, fork } from 'node:child_process'
import { onProcessEnd } from '../../client/process-end.ts'
import type { ActorAction, ActorMessage, ActorOrder, ActorRequest } from './wire.ts'

export type ActorProcess = {
  /** Rejects with the actor's own error, and with code `crashed` when its process ended meanwhile. */
  act(action: ActorAction, roomId: string | null): Promise<void>
  /** It leaves the room and tells the rest; its process is over when this resolves. */
  finish(): Promise<void>
  /** As `kill -9` does it. */
  kill(): Promise<void>
}

export type ActorProcessOptions = {
  entry: string
  order: ActorOrder
  onMessage(message: ActorMessage): void
  /** Its process ended by itself: `how` is a signal or an exit code. */
  onCrash(how: string): void
}

const FINISH_WITHIN_MS = 10_000

/** One actor in a process of its own: it can be killed, and a native crash is told by its name. */
export const startActorProcess = async ({
  entry,
  order,
  onMessage,
  onCrash,
}: ActorProcessOptions): Promise<ActorProcess> => {
  const child = fork(entry, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const asked = new Map<number, { resolve(): void; reject(error: Error): void }>()
  let lastId = 0
  let isEnding = false
  const ended = new Promise<void>((resolve) => onProcessEnd(child, () => resolve()))
  child.once('error', () => {})
  onProcessEnd(child, (how) => {
    if (!isEnding) onCrash(how)
    for (const { reject } of asked.values()) reject(crashed(order.name))
    asked.clear()
  })
  child.on('message', (message: ActorMessage) => {
    if (message.type === 'over') isEnding = true
    if (message.type !== 'done' && message.type !== 'failed') return onMessage(message)
    const waiting = asked.get(message.id)
    asked.delete(message.id)
    if (message.type === 'done') waiting?.resolve()
    else waiting?.reject(Object.assign(new Error(message.message), { code: message.code }))
  })
  const ask = (id: number, request: ActorRequest) =>
    new Promise<void>((resolve, reject) => {
      asked.set(id, { resolve, reject })
      send(child, request, () => reject(crashed(order.name)))
    })
  await ask(0, { type: 'start', order })
  const end = async (withinMs: number) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
    await ended
    clearTimeout(timer)
  }
  return {
    act: (action, roomId) => {
      lastId += 1
      return ask(lastId, { type: 'do', id: lastId, action, roomId })
    },
    finish: async () => {
      isEnding = true
      send(child, { type: 'finish' }, () => {})
      await end(FINISH_WITHIN_MS)
    },
    kill: async () => {
      isEnding = true
      child.kill('SIGKILL')
      await ended
    },
  }
}

const send = (child: ChildProcess, request: ActorRequest, onLost: () => void) => {
  if (!child.connected) return onLost()
  child.send(request, (error) => {
    if (error) onLost()
  })
}

const crashed = (name: string) => Object.assign(new Error(`the process of ${name} ended`), { code: 'crashed' })
