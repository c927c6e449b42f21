import type { Account } from '../../protocol/accounts.ts'
import type { SeatLine, TuiDeps } from '../deps.ts'

/** What line mode needs from outside. */
export type LineDeps = Pick<
  TuiDeps,
  | 'isSignedIn'
  | 'account'
  | 'login'
  | 'rooms'
  | 'join'
  | 'devices'
  | 'settings'
  | 'rename'
  | 'openLink'
  | 'readProgramCommand'
  | 'events'
> & {
  initialAccount?: Account
  /** Begins in the room of this seat; `isResumed`: from the full screen, so that it is told where one is. */
  initialSeat?: SeatLine
  isResumed?: boolean
  /** Whether there is a hallway to go back to from a room. */
  hasHallway: boolean
  /** Undefined where something else reads it: nothing can be typed then. */
  typedFrom: NodeJS.ReadStream | undefined
  /** One line of result, and one beside it. */
  say: (text: string) => void
  note: (text: string) => void
  /** The setting `say`: see `isTold`. */
  told: { get: () => string | undefined; set: (value: string) => Promise<void> }
  /** Whether this terminal can show the full screen. */
  canShowScreen: boolean
  /** Ctrl+C and SIGTERM, and the end of whoever reads the lines; each returns what ends the listening. */
  onInterrupt: (listener: () => void) => () => void
  onOutputClosed: (listener: () => void) => () => void
  /** The terminal is no longer there: the seat stays for who comes back to it. */
  onHangUp: (listener: () => void) => () => void
}

/** The end of line mode: of the program, or for the full screen, with what goes there. */
export type LinesEnd =
  | { exitCode: number }
  | { seat: SeatLine | undefined; account: Account | undefined; stdin: NodeJS.ReadStream | undefined }

/** A way out of a part of line mode that everything around it follows. */
export type WayOut = { exitCode: number } | { toScreen: true }
