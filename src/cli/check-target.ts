import type { DoorKey } from '../check/swarm-door.ts'
import { botToken } from './bot.ts'
import { openHouse } from './check-house.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'
import { resolveRoom } from './room-argument.ts'

/** Where a check goes. */
export type CheckTarget = {
  door: DoorKey
  /** As a person knows it. */
  server: string
  /** Of a room that others are in, too: the check has not made it. */
  room: string | undefined
  isLoopback: boolean
}

/**
 * A room of any LiveKit server by `url` (else LIVEKIT_URL) with LIVEKIT_API_KEY and LIVEKIT_API_SECRET; else a room of a
 * roomtone server; without a room, a server of the check's own, which is gone with the command. Error codes: those of
 * `resolveRoom`, and `bad-input`.
 */
export const checkTarget = async (
  context: Context,
  room: string | undefined,
  flags: { url?: string },
): Promise<CheckTarget> => {
  const isLink = room !== undefined && /^https?:\/\//i.test(room)
  const url = flags.url ?? (isLink ? undefined : context.env.LIVEKIT_URL || undefined)
  if (url !== undefined) return { ...livekitTarget(context, url), room }
  if (room !== undefined) return roomTarget(context, room)
  const house = await openHouse(context)
  context.onClose(house.close)
  const { apiKey, apiSecret } = house
  const door: DoorKey = { kind: 'livekit', url: house.url.replace(/^http/, 'ws'), apiKey, apiSecret }
  return { door, server: 'an embedded server of its own', room: undefined, isLoopback: true }
}

/** Key and secret come from the environment alone: a command line is read by others. */
const livekitTarget = (context: Context, url: string): Omit<CheckTarget, 'room'> => {
  const { LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = context.env
  if (!URL.canParse(url) || !/^(wss?|https?):$/.test(new URL(url).protocol))
    throw failure('bad-input', `--url (or LIVEKIT_URL) must be a URL such as wss://livekit.example.org, not "${url}"`)
  const missing = [!apiKey && 'LIVEKIT_API_KEY', !apiSecret && 'LIVEKIT_API_SECRET'].filter(Boolean).join(' and ')
  if (!apiKey || !apiSecret)
    throw failure('bad-input', `${missing} missing: participants of ${url} need tokens made with them`)
  const { host, hostname } = new URL(url)
  return { door: { kind: 'livekit', url, apiKey, apiSecret }, server: host, isLoopback: isLoopback(hostname) }
}

const roomTarget = async (context: Context, text: string): Promise<CheckTarget> => {
  const { server, room } = await resolveRoom(context, text)
  if (room.endedAt !== null) throw failure('room-ended', `"${room.title}" has ended`)
  const client = `roomtone ${context.version} check`
  const token = await botToken(context, server)
  const { host, hostname } = new URL(server.url)
  return {
    door: { kind: 'room', server: server.url, token, roomId: room.id, client, proxy: context.proxy() },
    server: host,
    room: room.title,
    isLoopback: isLoopback(hostname),
  }
}

const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
