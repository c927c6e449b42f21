import { existsSync } from 'node:fs'
import type { SeatClient } from '../client/seat.ts'
import { eventHere, roomHere } from '../client/server-clock.ts'
import type { HallwayEvent } from '../protocol/events.ts'
import type { TuiDeps } from '../tui/deps.ts'
import { type Face, type FaceDeps, runFaces } from '../tui/faces.ts'
import type { Context } from './context.ts'
import { canShowScreen } from './face.ts'
import { machineDeps } from './machine.ts'
import { wantsColor } from './output.ts'
import { programCommandOf } from './program-words.ts'

// Loaded on use: the first picture stands sooner than what speaks to a server has loaded.
const server = () => import('./local-server.ts')
const login = () => import('./login.ts')

/** The hallway; signs in first. Resolves with the exit code. */
export const showHallway = async (context: Context, face: Face): Promise<number> => {
  const configured = await context.setting('server', context.flags().server)
  // The screen stands before the server of this machine does, and says what it waits for.
  if (face === 'lines') await context.server()
  return runFaces(
    { ...(await faceDeps(context, configured ?? 'this machine')), canShowScreen: canShowScreen(context) },
    face,
  )
}

/** What the seat leaves to its faces: stdin may be its microphone, stdout its speaker. */
type SeatStreams = { microphone?: string; speaker?: string }

/** Straight into the room of a seat, and out with it. */
export const showSeat = async (
  context: Context,
  seat: SeatClient,
  face: Face,
  streams: SeatStreams = {},
): Promise<number> => {
  const deps = await faceDeps(context, '')
  return runFaces(
    {
      ...deps,
      initialSeat: seat,
      isStdinTaken: streams.microphone === 'stdin',
      say: streams.speaker === 'stdout' ? deps.note : deps.say,
      canShowScreen: canShowScreen(context, streams),
    },
    face,
  )
}

const faceDeps = async (context: Context, serverName: string): Promise<Omit<FaceDeps, 'canShowScreen'>> => {
  // Both faces end in order by themselves, whatever the signal.
  context.onInterrupt(() => {})
  const { output } = context
  const settings = await context.settings()
  return {
    say: output.line,
    note: output.needed,
    told: { get: () => settings.get('say')?.value, set: (value) => settings.set('say', value) },
    ...endings(context),
    version: context.version,
    server: serverName,
    isSignedIn: async () => {
      // Asked at the start and at each try of the "No server" screen.
      await (await server()).reviveLocalServer(context)
      return (await login()).isSignedIn(context)
    },
    account: async () => (await context.api()).call('me'),
    login: {
      start: async (phone) => (await login()).requestCode(context, phone),
      verify: async (loginId, code, name) => (await login()).proveCode(context, loginId, code, name),
    },
    rooms: {
      list: async (query) => {
        const api = await context.api()
        const answer = await api.call('listRooms', { query: { ...query, limit: 100 } })
        return { ...answer, rooms: answer.rooms.map((room) => roomHere(room, api.clockAheadMs())) }
      },
      subscribe: (subscription) => subscribe(context, subscription),
      create: async (room) => (await context.api()).call('createRoom', { body: room }),
    },
    events: async () => (await (await context.api()).call('listCalendar', { query: { limit: 50 } })).events,
    join: async (room) => {
      const [{ startSeat }, { seatOptions }] = await Promise.all([
        import('../client/seat.ts'),
        import('./seat-options.ts'),
      ])
      const seat = await startSeat(await seatOptions(context, room, {}))
      context.onClose(() => seat.close())
      return seat
    },
    readProgramCommand: programCommandOf,
    ...(await machineDeps(context)),
    // Also where plain lines come first: they can give way to the screen.
    color: wantsColor(context.stdout.isTTY === true, context.flags().color, context.env),
    stdin: context.stdin as NodeJS.ReadStream,
    stdout: context.stdout as NodeJS.WriteStream,
  }
}

/** What ends a face: an interrupt, nobody who reads any more, or a terminal that is gone. */
const endings = (context: Context): Pick<FaceDeps, 'onInterrupt' | 'onOutputClosed' | 'onHangUp'> => {
  const { stdin, stdout } = context
  const isHangUp = (signal: NodeJS.Signals) => signal === 'SIGHUP' && Boolean(stdin.isTTY || stdout.isTTY)
  return {
    onInterrupt: (listener) => context.onInterrupt((signal) => isHangUp(signal) || listener()),
    onOutputClosed: (listener) => context.onOutputClosed(() => stdout.isTTY || listener()),
    onHangUp: (listener) => {
      const ends = [
        context.onInterrupt((signal) => isHangUp(signal) && listener()),
        context.onOutputClosed(() => stdout.isTTY && listener()),
      ]
      return () => {
        for (const end of ends) end()
      }
    },
  }
}

/** A server that was told to end took its record along and stays ended. */
const reviveKilledServer = async (context: Context): Promise<void> => {
  const { reviveLocalServer, serverFile } = await server()
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
        onEvent: (event) => onEvent(eventHere(event, api.clockAheadMs()) as HallwayEvent),
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
