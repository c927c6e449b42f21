import { existsSync } from 'node:fs'
import { type SeatClient, startSeat } from '../client/seat.ts'
import type { HallwayEvent } from '../protocol/events.ts'
import type { TuiDeps } from '../tui/deps.ts'
import { runTui } from '../tui/run.ts'
import type { Context } from './context.ts'
import { reviveLocalServer, serverFile } from './local-server.ts'
import { isSignedIn, proveCode, requestCode } from './login.ts'
import { machineDeps } from './machine.ts'
import { seatOptions } from './seat-options.ts'

/** The hallway on the full screen; signs in first. Resolves with the exit code. */
export const showHallway = async (context: Context): Promise<number> => {
  const { url } = await context.server()
  return runTui(await tuiDeps(context, url))
}

/** Straight into the room of a seat, and out with it. */
export const showSeat = async (context: Context, seat: SeatClient): Promise<number> =>
  runTui({ ...(await tuiDeps(context, '')), initialSeat: seat })

const tuiDeps = async (context: Context, server: string): Promise<TuiDeps> => {
  // The screen ends in order by itself, whatever the signal.
  context.onInterrupt(() => {})
  return {
    version: context.version,
    server,
    isSignedIn: async () => {
      // Asked at the start and at each try of the "No server" screen.
      await reviveLocalServer(context)
      return isSignedIn(context)
    },
    account: async () => (await context.api()).call('me'),
    login: {
      start: (phone) => requestCode(context, phone),
      verify: (loginId, code, name) => proveCode(context, loginId, code, name),
    },
    rooms: {
      list: async (search) => (await context.api()).call('listRooms', { query: { search, limit: 100 } }),
      subscribe: (subscription) => subscribe(context, subscription),
      create: async (room) => (await context.api()).call('createRoom', { body: room }),
    },
    join: async (room) => {
      const seat = await startSeat(await seatOptions(context, room, {}))
      context.onClose(() => seat.close())
      return seat
    },
    ...(await machineDeps(context)),
    color: context.output.color,
    stdin: context.stdin as NodeJS.ReadStream,
    stdout: context.stdout as NodeJS.WriteStream,
  }
}

/** A server that was told to end took its record along and stays ended. */
const reviveKilledServer = async (context: Context): Promise<void> => {
  if (existsSync(serverFile(context.folders))) await reviveLocalServer(context).catch(() => {})
}

/** The hallway's changes; the API opens on use, so the closing may come before it. */
const subscribe = (
  context: Context,
  { cursor, onEvent, onStatus }: Parameters<TuiDeps['rooms']['subscribe']>[0],
): { close: () => void } => {
  let isClosed = false
  let close = () => {}
  context.api().then(
    (api) => {
      if (isClosed) return
      const subscription = api.subscribe({
        cursor,
        onEvent: (event) => onEvent(event as HallwayEvent),
        onStatus: (status, cause) => {
          onStatus(status, cause?.message)
          if (status === 'lost') void reviveKilledServer(context)
        },
      })
      close = subscription.close
    },
    (error: Error) => onStatus('lost', error.message),
  )
  return {
    close: () => {
      isClosed = true
      close()
    },
  }
}
