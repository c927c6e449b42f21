import type { Channels } from '../audio/frame.ts'

/** What the parent orders over IPC; the token never shows in a process list. */
export type BotOrder = {
  server: string
  token: string
  roomId: string
  /** The name of this participant; the bot account's own unless said. */
  name?: string
  files: string[]
  /** Loudness is kept here, over runs. */
  cacheFolder: string
  /** The built child that measures, where it is not the package's own. */
  measureEntry?: string
  channels: Channels
  loop: boolean
  /** How long a hand stays up where the bot's owner does not moderate. */
  waitMs: number
  proxy?: { http?: string; https?: string; except?: string }
}

export type BotRequest = { type: 'start'; order: BotOrder } | { type: 'stop' }

/** One line each under `--jsonl`. `at` is ISO 8601 UTC. */
export type BotEvent = { at: string } & (
  | { type: 'joined'; room: string; title: string; name: string; role: string }
  | { type: 'waiting'; forMs: number }
  | { type: 'on-air' }
  | { type: 'progress'; file: string; index: number; positionMs: number; durationMs: number | null; listeners: number }
  | { type: 'paused'; cause: string }
  /** Sound goes on after a pause or a cut; `repeatedMs` of the program are played again. */
  | { type: 'resumed'; repeatedMs: number }
  | { type: 'warning'; message: string }
  | { type: 'left'; reason: string; code: string | null; message: string }
)
export type BotMessage = { type: 'event'; event: BotEvent } | { type: 'over' }
