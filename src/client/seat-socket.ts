import { chmod } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeatAnswer, SeatCommand, SeatEvent, SeatPush, SeatRequest, SeatState } from '../protocol/seat.ts'
import { parseLine, readLines, writeLine } from './json-lines.ts'
import { patchBetween } from './seat-patch.ts'
import { readSeatRequest } from './seat-request.ts'

export type SeatSocketOptions = {
  address: string
  state(): SeatState
  /** Does a command; throws an Error with a code. */
  run(command: SeatCommand): Promise<void>
  /** Told with the number of those that listen to events, faces that is, whenever it changes. */
  onFaces(count: number): void
}

export type SeatSocket = {
  pushState(): void
  pushEvent(event: SeatEvent): void
  close(): Promise<void>
}

const MAX_CLIENTS = 16
const MAX_LINE_BYTES = 16 * 1024
const MAX_NONSENSE = 10
/** A client that does not read is dropped, not waited for. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024
const STATE_EVERY_MS = 100
const LAST_WORDS_MS = 500
const MAX_MISSED_EVENTS = 1_000

type Client = {
  socket: Socket
  wantsState: boolean
  wantsPatches: boolean
  wantsEvents: boolean
  /** The last state told. */
  told?: SeatState
  nonsense: number
}

/** Lets other processes of the same person see and steer this seat: JSON lines on a socket that only they may open. */
export const startSeatSocket = async (options: SeatSocketOptions): Promise<SeatSocket> => {
  const { address, state, onFaces } = options
  const clients = new Set<Client>()
  // Told while nobody listened; the next to listen gets them, the newest where there were too many.
  let missed: SeatEvent[] = []
  let stateTimer: NodeJS.Timeout | undefined

  const send = (client: Client, value: unknown) => {
    if (client.socket.writableLength > MAX_WAITING_BYTES) client.socket.destroy()
    else writeLine(client.socket, value)
  }

  const sendState = () => {
    stateTimer = undefined
    const now = state()
    for (const client of clients) {
      const { told } = client
      if (!client.wantsState || told === now) continue
      const patch = client.wantsPatches && told ? patchBetween(told, now) : undefined
      client.told = now
      send(client, patch ? { patch } : { state: now })
    }
  }

  const subscribe = (client: Client, asked: Extract<SeatRequest, { verb: 'subscribe' }>) => {
    const didListen = client.wantsEvents
    client.wantsState = asked.state ?? client.wantsState
    client.wantsPatches = asked.patches ?? client.wantsPatches
    client.wantsEvents = asked.events ?? client.wantsEvents
    if (client.wantsEvents !== didListen) onFaces(faces().length)
    if (!client.wantsEvents) return
    for (const event of missed) send(client, { event })
    missed = []
  }
  const faces = () => [...clients].filter(({ wantsEvents }) => wantsEvents)

  const answer = async (client: Client, line: string): Promise<SeatAnswer | SeatPush> => {
    const value = parseLine(line)
    const request = readSeatRequest(value)
    if (!request) {
      if (++client.nonsense >= MAX_NONSENSE) client.socket.end()
      return refusal(idOf(value), { code: 'bad-request', message: 'The seat does not know this request.' })
    }
    if (request.verb === 'ping') return { pong: true }
    if (request.verb === 'subscribe') subscribe(client, request)
    const { id, ...command } = request
    try {
      await options.run(command as SeatCommand)
    } catch (error) {
      return refusal(id, error as { code?: string; message: string })
    }
    return { id, ok: true, state: state() }
  }

  const accept = (socket: Socket) => {
    if (clients.size >= MAX_CLIENTS) return socket.destroy()
    const client: Client = { socket, wantsState: false, wantsPatches: false, wantsEvents: false, nonsense: 0 }
    clients.add(client)
    socket.on('error', () => {})
    socket.on('close', () => {
      clients.delete(client)
      if (client.wantsEvents) onFaces(faces().length)
    })
    readLines(socket, {
      maxBytes: MAX_LINE_BYTES,
      onTooLong: () => socket.destroy(),
      onLine: async (line) => {
        const given = await answer(client, line)
        if ('ok' in given && given.ok) client.told = given.state
        send(client, given)
      },
    })
  }

  const server = createServer(accept)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, resolve)
  })
  if (process.platform !== 'win32') await chmod(address, 0o600)

  return {
    pushState: () => {
      stateTimer ??= setTimeout(sendState, STATE_EVERY_MS)
    },
    pushEvent: (event) => {
      // Whoever reads an event finds the state that goes with it.
      clearTimeout(stateTimer)
      sendState()
      const listening = faces()
      if (listening.length === 0) missed = [...missed, event].slice(-MAX_MISSED_EVENTS)
      for (const client of listening) send(client, { event })
    },
    close: async () => {
      clearTimeout(stateTimer)
      server.close()
      const ended = [...clients].map(({ socket }) => new Promise<void>((resolve) => socket.end(resolve)))
      // Whoever does not read is not waited for.
      await Promise.race([Promise.all(ended), sleep(LAST_WORDS_MS, undefined, { ref: false })])
      for (const { socket } of clients) socket.destroy()
    },
  }
}

const idOf = (value: unknown): number => {
  const id = (value as { id?: unknown } | undefined | null)?.id
  return typeof id === 'number' ? id : 0
}

const refusal = (id: number, { code = 'internal', message }: { code?: string; message: string }): SeatAnswer => ({
  id,
  ok: false,
  error: { code, message },
})
