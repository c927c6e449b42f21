import type { Account } from '../protocol/accounts.ts'
import type { HallwayEvent } from '../protocol/events.ts'
import type { Room, Rooms } from '../protocol/rooms.ts'
import type { SeatCommand, SeatEvent, SeatLeaveReason, SeatState } from '../protocol/seat.ts'

/** Everything the screens draw: focus and waiting are here, the room itself is the seat's value. */
export type Model = {
  version: string
  server: string
  columns: number
  rows: number
  /** Coarse: moves once a second while something counts down, else every half minute. */
  nowMs: number
  /** Opened with a seat of its own: there is no hallway to go back to. */
  isSingleRoom: boolean
  account: Account | null
  screen: 'starting' | 'offline' | 'sign-in' | 'hallway' | 'joining' | 'room' | 'ended'
  offline: { cause: string; sinceMs: number; retryAtMs: number; attempts: number } | null
  signIn: SignIn
  hallway: Hallway
  joiningTitle: string
  seat: SeatState | null
  focus: Focus | null
  log: LogLine[]
  ended: Ended | null
  overlay: Overlay | null
  notice: { text: string; isError: boolean } | null
}

export type SignIn = {
  /** The name is asked for while the code is on its way. */
  step: 'phone' | 'name' | 'code'
  text: string
  phone: string
  loginId: string | null
  localCode: string | null
  name: string
  isBusy: boolean
  error: string | null
}

export type HallwayRow = { room: Room; isNew: boolean; isEnded: boolean }
export type Hallway = {
  rows: HallwayRow[]
  selectedId: string | null
  search: string
  status: 'loading' | 'open' | 'lost' | 'failed'
  cause: string | null
  hasMore: boolean
}

export type Section = 'stage' | 'hands' | 'listening'
export type Focus = { section: Section; id: string }
export type LogLine = { at: string; text: string; isError: boolean }
type Ended = {
  title: string
  reason: SeatLeaveReason
  by: string | null
  roomId: string | null
  minutes: number | null
}

export type Choice = { key: string; label: string; does: Effect[] }
export type Overlay =
  | { kind: 'help'; offset: number }
  | { kind: 'menu'; personId: string }
  | { kind: 'confirm'; question: string; choices: Choice[] }
  | {
      kind: 'prompt'
      purpose: 'question' | 'title' | 'open' | 'search'
      label: string
      text: string
      maxCharacters: number
    }

/** What the runtime shall do; nothing in the reducer waits. */
export type Effect =
  | { do: 'check-sign-in' }
  | { do: 'start-login'; phone: string }
  | { do: 'verify-login'; loginId: string; code: string; name?: string }
  | { do: 'load-rooms'; search: string }
  | { do: 'watch-rooms'; cursor: string }
  | { do: 'join'; room: string }
  | { do: 'create-room'; title: string }
  | { do: 'command'; command: SeatCommand }
  | { do: 'close-seat' }
  | { do: 'detach-and-quit' }
  | { do: 'leave-and-quit'; exitCode: number }
  | { do: 'quit'; exitCode: number }
  | { do: 'suspend' }
  | { do: 'swap-face' }
  | { do: 'redraw' }

export type Happening =
  | { type: 'key'; key: string }
  | { type: 'resized'; columns: number; rows: number }
  | { type: 'tick'; nowMs: number }
  | { type: 'signed-in'; account: Account }
  | { type: 'sign-in-needed' }
  | { type: 'offline'; cause: string }
  | { type: 'login-started'; loginId: string }
  | { type: 'login-code'; code: string }
  | { type: 'login-failed'; message: string; code: string; field?: string }
  | { type: 'rooms'; rooms: Rooms; search: string }
  | { type: 'rooms-failed'; message: string; code: string }
  | { type: 'hallway'; event: HallwayEvent }
  | { type: 'hallway-status'; status: 'open' | 'lost'; cause?: string }
  | { type: 'joined'; seat: SeatState }
  | { type: 'join-failed'; message: string; code: string }
  | { type: 'seat'; seat: SeatState }
  | { type: 'seat-event'; event: SeatEvent; text: string | undefined }
  | { type: 'seat-closed'; reason: string }
  | { type: 'failed'; message: string }

export type Step = { model: Model; effects: Effect[] }

export const step = (model: Model, ...effects: Effect[]): Step => ({ model, effects })

export const emptySignIn: SignIn = {
  step: 'phone',
  text: '',
  phone: '',
  loginId: null,
  localCode: null,
  name: '',
  isBusy: false,
  error: null,
}

const emptyHallway: Hallway = {
  rows: [],
  selectedId: null,
  search: '',
  status: 'loading',
  cause: null,
  hasMore: false,
}

export const initialModel = (start: Pick<Model, 'version' | 'server' | 'columns' | 'rows' | 'nowMs'>): Model => ({
  ...start,
  isSingleRoom: false,
  account: null,
  screen: 'starting',
  offline: null,
  signIn: emptySignIn,
  hallway: emptyHallway,
  joiningTitle: '',
  seat: null,
  focus: null,
  log: [],
  ended: null,
  overlay: null,
  notice: null,
})
