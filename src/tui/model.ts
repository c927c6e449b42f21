import type { Account } from '../protocol/accounts.ts'
import type { OccurrenceView } from '../protocol/calendar.ts'
import type { HallwayEvent } from '../protocol/events.ts'
import type { Room, Rooms } from '../protocol/rooms.ts'
import type { SeatCommand, SeatEvent, SeatLeaveReason, SeatState } from '../protocol/seat.ts'
import { type KeyBinding, keyTable } from './keys.ts'

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
  keyTable: KeyBinding[]
  /** The terminal tells when a key is let go. */
  tellsReleases: boolean
  /** The key that is held to talk. */
  talking: { key: string } | null
  /** Of the terminal, once it has told. */
  background: 'dark' | 'light' | null
  theme: Theme
}

/** `auto` goes by the terminal's background. */
export type Theme = 'auto' | 'dark' | 'light'

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
  /** Only rooms of these; null: any. */
  topic: string | null
  language: string | null
  status: 'loading' | 'open' | 'lost' | 'failed'
  cause: string | null
  /** Where the rooms go on that have not been fetched; null: these are all. */
  nextCursor: string | null
  /** Sessions that are announced, by their start. */
  events: OccurrenceView[]
}

export type Section = 'stage' | 'hands' | 'listening'
export type Focus = { section: Section; id: string }
export type LogLine = { at: string; text: string; isError: boolean }
type Ended = {
  title: string
  reason: SeatLeaveReason
  by: string | null
  isByYou?: boolean
  roomId: string | null
  minutes: number | null
}

export type Choice = { key: string; label: string; does: Effect[] }
export type Overlay =
  | { kind: 'help'; page: number }
  | { kind: 'menu'; personId: string; index: number }
  | { kind: 'confirm'; question: string; choices: Choice[] }
  | {
      kind: 'prompt'
      purpose: 'question' | 'title' | 'search' | 'find' | 'name' | 'program'
      label: string
      text: string
      maxCharacters: number
      /** `program`: what is asked for, and of whom. */
      program?: { who: string; name: string; verb: string }
    }
  | { kind: 'palette'; text: string; index: number }
  | { kind: 'devices'; choices: DeviceChoice[] | null; problem: string | null; index: number; trial: Trial | null }
  | { kind: 'settings'; items: SettingItem[] | null; index: number }
  | { kind: 'events'; index: number }

export type DeviceKind = 'microphone' | 'speaker'
/** `name` is what is asked for: a device, or `default`, which follows the system. */
export type DeviceChoice = { kind: DeviceKind; name: string; isInUse: boolean }
export type TrialKind = 'tone' | 'microphone' | 'loopback'
/** A device tried out on this machine alone; the level is the microphone's. */
export type Trial = { what: TrialKind; levelDb: number }
/** `values` are what it can have; choosing it takes the next. */
export type SettingItem = { key: string; label: string; value: string; values: string[] }

/** What the runtime shall do; nothing in the reducer waits. */
export type Effect =
  | { do: 'check-sign-in' }
  | { do: 'start-login'; phone: string }
  | { do: 'verify-login'; loginId: string; code: string; name?: string }
  /** With a cursor: those that come after the ones that are here. */
  | { do: 'load-rooms'; search: string; topic?: string; language?: string; cursor?: string }
  | { do: 'watch-rooms'; cursor: string }
  | { do: 'join'; room: string }
  | { do: 'create-room'; title: string }
  | { do: 'command'; command: SeatCommand }
  /** A command to a bot's program, as it is written. */
  | { do: 'program'; who: string; name: string; words: string }
  | { do: 'close-seat' }
  | { do: 'detach-and-quit' }
  | { do: 'leave-and-quit'; exitCode: number }
  | { do: 'quit'; exitCode: number }
  | { do: 'suspend' }
  | { do: 'swap-face' }
  | { do: 'redraw' }
  | { do: 'copy'; text: string }
  | { do: 'open'; url: string }
  | { do: 'rename'; name: string }
  | { do: 'let-go-after'; ms: number }
  | { do: 'load-devices' }
  | { do: 'use-device'; kind: DeviceKind; name: string }
  | { do: 'try-device'; what: TrialKind }
  | { do: 'stop-trial' }
  | { do: 'load-settings' }
  | { do: 'set'; key: string; value: string }

export type Happening =
  | { type: 'key'; key: string; base?: string; isRepeat?: boolean }
  | { type: 'released'; key: string; base?: string }
  /** The window has lost the keyboard: what was held is let go unseen. */
  | { type: 'blurred' }
  | { type: 'kitty' }
  | { type: 'background'; lightness: number }
  /** No repetition of the held key came in time. */
  | { type: 'let-go' }
  | { type: 'resized'; columns: number; rows: number }
  | { type: 'tick'; nowMs: number }
  | { type: 'signed-in'; account: Account }
  | { type: 'sign-in-needed' }
  | { type: 'offline'; cause: string }
  | { type: 'login-started'; loginId: string }
  | { type: 'login-code'; code: string }
  | { type: 'login-failed'; message: string; code: string; field?: string }
  | { type: 'rooms'; rooms: Rooms; search: string; isMore?: boolean }
  | { type: 'rooms-failed'; message: string; code: string; isMore?: boolean }
  | { type: 'hallway'; event: HallwayEvent }
  | { type: 'events'; events: OccurrenceView[] }
  | { type: 'hallway-status'; status: 'open' | 'lost'; cause?: string }
  | { type: 'joined'; seat: SeatState }
  | { type: 'join-failed'; message: string; code: string }
  | { type: 'seat'; seat: SeatState }
  | { type: 'seat-event'; event: SeatEvent; text: string | undefined }
  | { type: 'seat-closed'; reason: string }
  | { type: 'failed'; message: string }
  | { type: 'told'; text: string }
  | { type: 'account'; account: Account }
  | { type: 'devices'; choices: DeviceChoice[]; problem: string | null }
  | { type: 'trial'; trial: Trial | null }
  | { type: 'settings'; items: SettingItem[] }

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
  nextCursor: null,
  topic: null,
  language: null,
  events: [],
}

export const initialModel = (
  start: Pick<Model, 'version' | 'server' | 'columns' | 'rows' | 'nowMs'> & Partial<Model>,
): Model => ({
  keyTable,
  tellsReleases: false,
  talking: null,
  background: null,
  theme: 'auto',
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
  ...start,
})
