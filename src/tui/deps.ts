import type { Account } from '../protocol/accounts.ts'
import type { HallwayEvent } from '../protocol/events.ts'
import type { Room, Rooms } from '../protocol/rooms.ts'
import type { SeatCommand, SeatEvent, SeatState } from '../protocol/seat.ts'

/** The control connection to a running seat, as client/seat gives it. */
export type SeatLine = {
  request: (command: SeatCommand) => Promise<SeatState>
  state: () => SeatState | undefined
  onState: (listener: (state: SeatState) => void) => unknown
  onEvent: (listener: (event: SeatEvent) => void) => unknown
  /** The seat's process ended or its socket closed. */
  onClosed: (listener: (reason: string) => void) => unknown
  close: () => unknown
}

/** `localCode` gives the code itself where no SMS gateway is set and the server runs on this machine. */
type StartedLogin = { loginId: string; localCode?: () => Promise<string | undefined> }

export type RoomSubscription = {
  cursor: string
  onEvent: (event: HallwayEvent) => void
  onStatus: (status: 'open' | 'lost', cause?: string) => void
}

/** What the terminal UI needs from outside; errors carry a `code` of protocol/errors or `unreachable`. */
export type TuiDeps = {
  version: string
  /** As shown: the server's URL. */
  server: string
  isSignedIn: () => Promise<boolean>
  account: () => Promise<Account>
  login: {
    start: (phone: string) => Promise<StartedLogin>
    /** The name counts for a number that is new here. */
    verify: (loginId: string, code: string, name?: string) => Promise<{ account: Account; isNew: boolean }>
  }
  rooms: {
    list: (search?: string) => Promise<Rooms>
    subscribe: (subscription: RoomSubscription) => { close: () => unknown }
    create: (room: { title: string }) => Promise<Room>
  }
  /** Starts a seat. `room` is an id, a link or a title. */
  join: (room: string) => Promise<SeatLine>
  /** Opens directly in the room of this seat. */
  initialSeat?: SeatLine
  /** Who one is, where that is known already. */
  initialAccount?: Account
  /** Whether there is a hallway to go back to from a room; else all ends with the seat. */
  hasHallway: boolean
  color: boolean
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
}
