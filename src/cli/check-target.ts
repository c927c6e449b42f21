import type { DoorKey } from '../check/swarm-door.ts'
import { botToken } from './bot.ts'
import { openHouse } from './check-house.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'
import { resolveRoom } from './room-argument.ts'
import { readToken } from './secret.ts'

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
 * A room of any LiveKit server by `url` (else LIVEKIT_URL) with LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or with a room
 * token; else a room of a roomtone server; without a room, a server of the check's own, which is gone with the command.
 * Error codes: those of `resolveRoom`, and `bad-input`.
 */
export const checkTarget = async (
  context: Context,
  room: string | undefined,
  flags: { url?: string; token?: string },
): Promise<CheckTarget> => {
  const isLink = room !== undefined && /^https?:\/\//i.test(room)
  const { LIVEKIT_URL, LIVEKIT_TOKEN, LIVEKIT_API_KEY } = context.env
  const url = flags.url ?? (isLink ? undefined : LIVEKIT_URL || undefined)
  const token = flags.token ?? (LIVEKIT_API_KEY ? undefined : LIVEKIT_TOKEN || undefined)
  if (url !== undefined && token !== undefined) {
    const { server, isLoopback } = placeOf(url)
    return {
      door: { kind: 'token', url, token: await readToken(context, token) },
      server,
      isLoopback,
      room: room ?? 'of the token',
    }
  }
  if (flags.token !== undefined) throw failure('bad-input', '--token is for a room of a LiveKit server: say --url, too')
  if (url !== undefined) return { ...livekitTarget(context, url), room }
  if (room !== undefined) return roomTarget(context, room)
  const house = await openHouse(context)
  context.onClose(house.close)
  const { apiKey, apiSecret } = house
  const door: DoorKey = { kind: 'livekit', url: house.url.replace(/^http/, 'ws'), apiKey, apiSecret }
  return { door, server: 'an embedded server of its own', room: undefined, isLoopback: true }
}

/** Key and secret come from the environment alone: a command line is read by others. */
export const livekitTarget = (context: Context, url: string) => {
  const place = placeOf(url)
  const { LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = context.env
  const missing = [!apiKey && 'LIVEKIT_API_KEY', !apiSecret && 'LIVEKIT_API_SECRET'].filter(Boolean).join(' and ')
  if (!apiKey || !apiSecret)
    throw failure('bad-input', `${missing} missing: participants of ${place.server} need tokens made with them`)
  return { door: { kind: 'livekit' as const, url, apiKey, apiSecret }, ...place }
}

const placeOf = (url: string): { server: string; isLoopback: boolean } => {
  if (!URL.canParse(url) || !/^(wss?|https?):$/.test(new URL(url).protocol))
    throw failure('bad-input', `a LiveKit server is given as wss://livekit.example.org, not "${url}"`)
  const { host, hostname } = new URL(url)
  return { server: host, isLoopback: isLoopbackName(hostname) }
}

const roomTarget = async (context: Context, text: string): Promise<CheckTarget> => {
  const { server, room } = await resolveRoom(context, text)
  if (room.endedAt !== null) throw failure('room-ended', `"${room.title}" has ended`)
  const client = `roomtone ${context.version} check`
  const token = await botToken(context, server)
  return {
    door: { kind: 'room', server: server.url, token, roomId: room.id, client, proxy: context.proxy() },
    ...placeOf(server.url),
    room: room.title,
  }
}

const isLoopbackName = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
