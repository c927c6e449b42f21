import { fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { openDecoded } from '../audio/files/decode.ts'
import type { Channels } from '../audio/frame.ts'
import { onProcessEnd } from '../client/process-end.ts'
import type { BotEvent, BotMessage, BotOrder, BotRequest } from './wire.ts'

export type PlayOptions = Omit<BotOrder, 'channels'> & {
  onEvent(event: BotEvent): void
  /** The built child, when it is not the package's own. */
  entry?: string
}

export type Play = {
  readonly pid: number
  /** The last event, always `left`. */
  readonly done: Promise<Extract<BotEvent, { type: 'left' }>>
  stop(): void
}

/**
 * Streams files into a room from a process of its own. Throws before anything is joined when a file is missing
 * (`not-found`), unreadable or not audio (`not-audio`).
 */
export const startPlay = async (options: PlayOptions): Promise<Play> => {
  const { onEvent, entry = createRequire(import.meta.url).resolve('roomtone/process/bot'), ...order } = options
  const channels = await channelsOf(order.files)
  const child = fork(entry, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const send = (request: BotRequest) => {
    // What it can take no more is of no use to it; that it ended is told elsewhere.
    if (child.connected) child.send(request, () => {})
  }

  const done = new Promise<Extract<BotEvent, { type: 'left' }>>((resolve) => {
    let left: Extract<BotEvent, { type: 'left' }> | undefined
    child.on('message', (message: BotMessage) => {
      if (message.type !== 'event') return
      onEvent(message.event)
      if (message.event.type === 'left') left = message.event
    })
    const end = (how: string) => {
      if (!left) {
        left = crashOf(how)
        onEvent(left)
      }
      resolve(left)
    }
    onProcessEnd(child, end)
    // Not even started: the system has no room for it.
    child.on('error', (error) => end(error.message))
  })
  send({ type: 'start', order: { ...order, channels } })
  return { pid: child.pid!, done, stop: () => send({ type: 'stop' }) }
}

/** Two where one of them has two; opening them also proves, before the start, that all can be played. */
const channelsOf = async (files: string[]): Promise<Channels> => {
  let most: Channels = 1
  for (const file of new Set(files)) {
    const decoded = await openDecoded(file)
    await decoded.close()
    if (decoded.channels === 2) most = 2
  }
  return most
}

const crashOf = (how: string): Extract<BotEvent, { type: 'left' }> => ({
  at: new Date().toISOString(),
  type: 'left',
  reason: 'failed',
  code: 'failed',
  message: `The bot's process ended unexpectedly (${how}).`,
})
