import { fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { openDecoded } from '../audio/files/decode.ts'
import type { Channels } from '../audio/frame.ts'
import { gainFor, type Loudness, measureFile } from '../audio/loudness.ts'
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
  const channelsOf = await openAll(order.files)
  const channels = Math.max(...channelsOf.values()) as Channels
  const child = fork(entry, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const send = (request: BotRequest) => {
    // What it can take no more is of no use to it; that it ended is told elsewhere.
    if (child.connected) child.send(request, () => {})
  }
  // One channel that sounds on both sides is louder by 3 LU than it measures alone (BS.1770 sums the channels' powers).
  const played = ({ integratedLufs, truePeakDb }: Loudness, file: string): Loudness => ({
    integratedLufs: integratedLufs + (channels > channelsOf.get(file)! ? 10 * Math.log10(2) : 0),
    truePeakDb,
  })
  const gains = new Map<string, Promise<number>>()
  const gainOf = (file: string) => {
    const known = gains.get(file) ?? measureFile(file).then((loudness) => gainFor(played(loudness, file)))
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
    const end = (how: string) => {
      if (!left) {
        left = crashOf(how)
        onEvent(left)
      }
      resolve(left)
    }
    child.once('exit', (code, signal) => end(signal ?? String(code)))
    // Not even started: the system has no room for it.
    child.on('error', (error) => end(error.message))
  })
  send({ type: 'start', order: { ...order, channels } })
  return { pid: child.pid!, done, stop: () => send({ type: 'stop' }) }
}

/** The channels of each; opening them also proves, before the start, that all can be played. */
const openAll = async (files: string[]) => {
  const channelsOf = new Map<string, Channels>()
  for (const file of files) {
    const decoded = await openDecoded(file)
    await decoded.close()
    channelsOf.set(file, decoded.channels)
  }
  return channelsOf
}

const crashOf = (how: string): Extract<BotEvent, { type: 'left' }> => ({
  at: new Date().toISOString(),
  type: 'left',
  reason: 'failed',
  code: 'failed',
  message: `The bot's process ended unexpectedly (${how}).`,
})
