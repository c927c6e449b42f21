import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { connect, type Socket } from 'node:net'
import { apiError } from '../protocol/errors.ts'
import type { SeatAnswer, SeatCommand, SeatEvent, SeatPush, SeatState } from '../protocol/seat.ts'
import { parseLine, readLines, writeLine } from './json-lines.ts'
import { readSeatFolder, removeSeatFiles, seatAddress } from './seat-folder.ts'
import { readSeatMessage } from './seat-message.ts'
import { patched } from './seat-patch.ts'
import { watchSeat } from './seat-watch.ts'
import type { SeatOrder, SeatReport, SeatTaken } from './seat-wire.ts'

export type SeatOptions = Omit<SeatOrder, 'seatId'> & {
  seatId?: string
  /** The bundled child; dist/seat.js unless said. */
  entry?: string
  /** The media server has no place for now: it is asked again. */
  onWaiting?(message: string): void
}

/** A control connection to a running seat. */
export type SeatClient = {
  /** Resolves with the state after the command; rejects with an Error with a code, `unavailable` while the seat does not answer. */
  request(command: SeatCommand): Promise<SeatState>
  /** The last state seen; a face's says so when its seat does not answer (`unresponsive`). */
  state(): SeatState | undefined
  /** Each returns a function that ends the listening. */
  onState(listener: (state: SeatState) => void): () => void
  /** With the state that went with it, where it waited for its listener. */
  onEvent(listener: (event: SeatEvent, stateThen?: SeatState) => void): () => void
  /** The seat has left, with its reason, or its process has died: `failed`. */
  onClosed(listener: (reason: string) => void): () => void
  /** Hangs up; a seat whose last face is gone closes its microphone, and leaves after a while, unless detached. */
  close(): void
}

export type RunningSeat = { seatId: string; pid: number; title: string; socket: string }

// More than a session waits for a place.
const JOIN_WITHIN_MS = 45_000
const ANSWER_WITHIN_MS = 15_000
const LIST_WITHIN_MS = 3_000
const MAX_LINE_BYTES = 64 * 1024 * 1024
/** In MB: what a frame of sound needs is over within a moment, and V8 by itself would let 30 MB of it lie about. */
const YOUNG_MEMORY_MB = 1

/**
 * Starts a seat in a process of its own and connects to it once it is in the room. Rejects with an Error whose code
 * says what kept it out: one of protocol/errors, of audio, `unreachable` or `bad-config`.
 */
export const startSeat = async ({
  entry,
  seatId = crypto.randomUUID(),
  onWaiting,
  ...order
}: SeatOptions): Promise<SeatClient> => {
  const path = entry ?? createRequire(import.meta.url).resolve('roomtone/process/seat')
  const child = spawn(process.execPath, [`--max-semi-space-size=${YOUNG_MEMORY_MB}`, path], {
    // A group of its own: Ctrl+C is for the face, which then asks the seat to leave.
    detached: true,
    stdio: [
      order.source === 'stdin' ? 'inherit' : 'ignore',
      order.speaker === 'stdout' ? 'inherit' : 'ignore',
      'ignore',
      'ipc',
    ],
  })
  try {
    await waitForReport(child, { seatId, ...order }, onWaiting)
    const client = await connectSeat(order.folder, seatId)
    await tellTaken(child)
    return client
  } catch (error) {
    child.kill('SIGTERM')
    throw error
  } finally {
    if (child.connected) child.disconnect()
    child.unref()
  }
}

const waitForReport = (child: ChildProcess, order: SeatOrder, onWaiting: SeatOptions['onWaiting']): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(apiError('internal', 'The seat did not start in time.')), JOIN_WITHIN_MS)
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(error)
    }
    child.once('error', (cause) =>
      fail(apiError('internal', `The seat's process cannot be started: ${cause.message}.`)),
    )
    child.once('exit', (code, signal) =>
      fail(apiError('internal', `The seat's process ended before it was in the room (${signal ?? `exit ${code}`}).`)),
    )
    child.on('message', (message) => {
      const report = message as SeatReport
      if ('waiting' in report) return onWaiting?.(report.waiting)
      if (!report.ok) return fail(Object.assign(new Error(report.error.message), { code: report.error.code }))
      clearTimeout(timer)
      for (const event of ['exit', 'message']) child.removeAllListeners(event)
      resolve()
    })
    child.send(order)
  })

/** Until then a seat whose parent dies leaves, even one that should stay. */
const tellTaken = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.send({ taken: true } satisfies SeatTaken, () => resolve())
  })

/**
 * A face on a seat that runs: the one of that id, or the only one. What happened since the last face was gone comes
 * first, to whoever listens first. Rejects with `not-found`.
 */
export const connectSeat = async (folder: string, seatId?: string): Promise<SeatClient> => {
  const wanted = seatId ?? (await listSeats(folder))[0]?.seatId
  if (wanted === undefined) throw apiError('not-found', 'No seat is running.')
  const client = openClient(await openSocket(seatAddress(folder, wanted)), { isWatched: true })
  await client.request({ verb: 'subscribe', state: true, patches: true, events: true })
  return client
}

/** A connection for single commands: the seat neither stays for it nor leaves after it. Rejects with `not-found`. */
export const passBySeat = async (folder: string, seatId: string): Promise<SeatClient> =>
  openClient(await openSocket(seatAddress(folder, seatId)))

const openSocket = (address: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(address)
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => reject(apiError('not-found', 'This seat is not running.')))
  })

const openClient = (socket: Socket, { isWatched = false } = {}): SeatClient => {
  const waiting = new Map<number, { resolve(state: SeatState): void; reject(error: Error): void }>()
  const stateListeners = new Set<(state: SeatState) => void>()
  const eventListeners = new Set<(event: SeatEvent, stateThen?: SeatState) => void>()
  const closedListeners = new Set<(reason: string) => void>()
  // Events that come while nobody listens wait for the next who does.
  let early: { event: SeatEvent; stateThen?: SeatState }[] | undefined = []
  let lastId = 0
  let state: SeatState | undefined
  let silentSince: string | undefined
  let closedReason: string | undefined

  const takeState = (next: SeatState) => {
    state = next
    // The events of before a connection come just before its first state.
    for (const waiting of early ?? []) waiting.stateThen ??= next
    for (const listener of stateListeners) listener(next)
  }
  const shown = (): SeatState | undefined =>
    state && silentSince !== undefined
      ? { ...state, connection: { status: 'unresponsive', since: silentSince } }
      : state
  const watch = isWatched
    ? watchSeat({
        ask: () => writeLine(socket, { id: ++lastId, verb: 'ping' }),
        onChange: (since) => {
          silentSince = since
          const now = shown()
          if (now) for (const listener of stateListeners) listener(now)
        },
      })
    : undefined
  const take = (message: SeatAnswer | SeatPush) => {
    if ('event' in message) {
      if (message.event.type === 'left') closedReason = message.event.reason
      early?.push({ event: message.event, stateThen: state })
      for (const listener of eventListeners) listener(message.event)
    } else if ('pong' in message) return
    else if ('id' in message) settle(message)
    else if ('state' in message) takeState(message.state)
    else if (state) takeState(patched(state, message.patch))
  }
  const settle = (message: SeatAnswer) => {
    const request = waiting.get(message.id)
    waiting.delete(message.id)
    if (!message.ok)
      return request?.reject(Object.assign(new Error(message.error.message), { code: message.error.code }))
    takeState(message.state)
    request?.resolve(message.state)
  }
  const onEnd = () => {
    socket.destroy()
    watch?.close()
    closedReason ??= 'failed'
    for (const { reject } of waiting.values()) reject(apiError('not-found', 'The seat has left.'))
    waiting.clear()
    for (const listener of closedListeners) listener(closedReason)
    closedListeners.clear()
  }
  readLines(socket, {
    maxBytes: MAX_LINE_BYTES,
    onTooLong: () => socket.destroy(),
    onLine: (line) => {
      watch?.heard()
      const message = readSeatMessage(parseLine(line))
      if (message) take(message)
    },
  })
  socket.on('error', () => {})
  socket.once('close', onEnd)

  return {
    state: shown,
    request: (command) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(apiError('not-found', 'The seat has left.'))
        const id = ++lastId
        if (silentSince !== undefined) {
          const later = doneLater[command.verb]
          if (later) writeLine(socket, { id, ...command })
          const what = later ? `it ${later} as soon as it does` : 'nothing was done'
          return reject(apiError('unavailable', `The seat does not answer; ${what}.`))
        }
        const timer = setTimeout(() => {
          waiting.delete(id)
          reject(apiError('unavailable', 'The seat does not answer.'))
        }, ANSWER_WITHIN_MS)
        waiting.set(id, {
          resolve: (answer) => {
            clearTimeout(timer)
            resolve(answer)
          },
          reject: (error) => {
            clearTimeout(timer)
            // To leave is to hang up: the end of the connection is the answer.
            if (command.verb === 'leave' && state && closedReason) resolve(state)
            else reject(error)
          },
        })
        writeLine(socket, { id, ...command })
      }),
    onState: (listener) => listen(stateListeners, listener),
    onEvent: (listener) => {
      const missed = early ?? []
      early = undefined
      for (const { event, stateThen } of missed) listener(event, stateThen)
      const end = listen(eventListeners, listener)
      return () => {
        end()
        if (eventListeners.size === 0) early = []
      }
    },
    onClosed: (listener) => {
      if (socket.destroyed && closedReason !== undefined) listener(closedReason)
      return listen(closedListeners, listener)
    },
    close: () => {
      closedListeners.clear()
      watch?.close()
      socket.destroy()
    },
  }
}

/** What is wished of a seat that does not answer even if it comes later than one would think. */
const doneLater: Partial<Record<SeatCommand['verb'], string>> = { mute: 'mutes', leave: 'leaves' }

const listen = <T>(listeners: Set<T>, listener: T) => {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** The seats that run; what a killed one left behind is removed. */
export const listSeats = async (folder: string): Promise<RunningSeat[]> => (await lookForSeats(folder)).seats

/** Also ids of those that run and answer nothing: stopped, or on a machine that is too busy. */
export const lookForSeats = async (folder: string): Promise<{ seats: RunningSeat[]; silent: string[] }> => {
  const seatIds = await readSeatFolder(folder)
  const found = await Promise.all(seatIds.map((seatId) => askSeat(folder, seatId)))
  return {
    seats: found.filter((seat) => typeof seat === 'object'),
    silent: seatIds.filter((_, index) => found[index] === 'silent'),
  }
}

const askSeat = async (folder: string, seatId: string): Promise<RunningSeat | 'silent' | undefined> => {
  const address = seatAddress(folder, seatId)
  const socket = await openSocket(address).catch(() => undefined)
  if (!socket) {
    await removeSeatFiles(folder, seatId)
    return undefined
  }
  const client = openClient(socket)
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    client.close()
  }, LIST_WITHIN_MS)
  try {
    const { pid, room } = await client.request({ verb: 'status' })
    return { seatId, pid, title: room.title, socket: address }
  } catch {
    // It runs, or is just ending: what it needs to be found again stays.
    return isLate ? 'silent' : undefined
  } finally {
    clearTimeout(late)
    client.close()
  }
}
