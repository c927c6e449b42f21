import { fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { openDecoded } from '../audio/files/decode.ts'
import { gainFor, measureFile } from '../audio/loudness.ts'
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
 * Streams files into a room from a process of its own; here they are measured, each before it is due, so that measuring
 * never holds up the sound. Throws before anything is joined when a file is missing (`not-found`), unreadable or not audio
 * (`not-audio`).
 */
export const startPlay = async (options: PlayOptions): Promise<Play> => {
  const { onEvent, entry = createRequire(import.meta.url).resolve('roomtone/process/bot'), ...order } = options
  const channels = await widest(order.files)
  const child = fork(entry, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const send = (request: BotRequest) => {
    if (child.connected) child.send(request)
  }
  const gains = new Map<string, Promise<number>>()
  const gainOf = (file: string) => {
    const known = gains.get(file) ?? measureFile(file).then(gainFor)
    gains.set(file, known)
    return known
  }
  const answer = async (index: number) => {
    // A file that has become unreadable since: the player finds that out and says so.
    const gainDb = await gainOf(order.files[index]!).catch(() => 0)
    send({ type: 'gain', index, gainDb })
    const next = order.files[index + 1]
    if (next !== undefined) void gainOf(next).catch(() => {})
  }

  const done = new Promise<Extract<BotEvent, { type: 'left' }>>((resolve) => {
    let left: Extract<BotEvent, { type: 'left' }> | undefined
    child.on('message', (message: BotMessage) => {
      if (message.type === 'gain-wanted') void answer(message.index)
      if (message.type !== 'event') return
      onEvent(message.event)
      if (message.event.type === 'left') left = message.event
    })
    child.once('exit', (code, signal) => {
      if (left) return resolve(left)
      const crash = crashOf(signal ?? String(code))
      onEvent(crash)
      resolve(crash)
    })
  })
  send({ type: 'start', order: { ...order, channels } })
  return { pid: child.pid!, done, stop: () => send({ type: 'stop' }) }
}

/** Stereo when any file is; opening each also proves, before the start, that all can be played. */
const widest = async (files: string[]) => {
  let channels: BotOrder['channels'] = 1
  for (const file of files) {
    const decoded = await openDecoded(file)
    await decoded.close()
    if (decoded.channels === 2) channels = 2
  }
  return channels
}

const crashOf = (how: string): Extract<BotEvent, { type: 'left' }> => ({
  at: new Date().toISOString(),
  type: 'left',
  reason: 'failed',
  code: 'failed',
  message: `The bot's process ended unexpectedly (${how}).`,
})
