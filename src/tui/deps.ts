import type { Account } from '../protocol/accounts.ts'
import type { OccurrenceView } from '../protocol/calendar.ts'
import type { HallwayEvent } from '../protocol/events.ts'
import type { ListRooms, Room, Rooms } from '../protocol/rooms.ts'
import type { SeatCommand, SeatEvent, SeatState } from '../protocol/seat.ts'
import type { KeyBinding } from './keys.ts'
import type { DeviceChoice, DeviceKind, SettingItem, Theme, TrialKind } from './model.ts'
import type { ReadProgramCommand } from './program.ts'

/** The control connection to a running seat, as client/seat gives it. */
export type SeatLine = {
  request: (command: SeatCommand) => Promise<SeatState>
  state: () => SeatState | undefined
  onState: (listener: (state: SeatState) => void) => unknown
  /** With the state that went with it, where it waited for its listener. */
  onEvent: (listener: (event: SeatEvent, stateThen?: SeatState) => void) => unknown
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

/** Sound on this machine; none of it goes to a room. */
export type DeviceDesk = {
  list: () => Promise<{ choices: DeviceChoice[]; problem: string | null }>
  /** Remembers the choice for seats to come. */
  use: (kind: DeviceKind, name: string) => Promise<void>
  /** Plays a tone, measures the microphone, or lets one hear it, on the devices chosen; ends by itself or by `close`. */
  try: (what: TrialKind, on: TrialListener) => Promise<{ close: () => unknown }>
}
type TrialListener = { onLevel: (levelDb: number) => void; onEnd: () => void }

export type SettingDesk = {
  list: () => Promise<SettingItem[]>
  /** Resolves with what a running seat is to be told of it. */
  set: (key: string, value: string) => Promise<SeatCommand | undefined>
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
    /** A page of the live rooms, newest first; `cursor` is where the page before ended. */
    list: (query: ListRooms) => Promise<Rooms>
    subscribe: (subscription: RoomSubscription) => { close: () => unknown }
    create: (room: { title: string }) => Promise<Room>
  }
  /** Sessions that are announced, by their start. */
  events: () => Promise<OccurrenceView[]>
  /** Starts a seat. `room` is an id, a link or a title. */
  join: (room: string) => Promise<SeatLine>
  /** Opens directly in the room of this seat. */
  initialSeat?: SeatLine
  /** Who one is, where that is known already. */
  initialAccount?: Account
  /** Whether there is a hallway to go back to from a room; else all ends with the seat. */
  hasHallway: boolean
  /** False: no colour at all. */
  color: boolean
  /** 4, 8 or 24 bits of colour. */
  colorDepth: number
  theme: Theme
  /** As rebound. */
  keyTable: KeyBinding[]
  /** Said at the start: what is wrong with the key file. */
  notice?: string
  devices: DeviceDesk
  settings: SettingDesk
  rename: (name: string) => Promise<Account>
  readProgramCommand: ReadProgramCommand
  /** By the system's own opener. */
  openLink: (url: string) => Promise<void>
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
}
