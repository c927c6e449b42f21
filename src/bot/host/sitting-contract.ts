import type { SessionOptions } from '../../client/session-contract.ts'
import type { ProgramAnswer, ProgramCommand } from '../../protocol/program.ts'
import type { Plan, ProgramEvent, ProgramState, SessionProgram } from '../program/contract.ts'
import type { SessionScript } from '../script/script.ts'
import type { SessionReport } from '../watch/report.ts'
import type { Journal, JournalWriter } from './journal.ts'
import type { RunLog } from './run-log.ts'
import type { HostEvent, SittingOutcome } from './wire.ts'

type Untimed<T> = T extends unknown ? Omit<T, 'at' | 'session' | 'occurrence'> : never
export type SittingEvent = Untimed<HostEvent>

/** What a sitting shows of itself to the outside. */
type SittingView = Pick<SessionReport, 'phase' | 'programMs' | 'playing' | 'listeners' | 'problem'> & {
  /** Frames are to go out: not before the start, nor while a moderator keeps the bot silent. */
  isDue: boolean
  isCut: boolean
  starvedFrames: number
  heardPackets: number | null
  sentFrames: number
}

export type SittingOptions = {
  script: SessionScript
  occurrence: string
  /** When session time is 0, wall time; null: as soon as it can be heard. */
  startMs: number | null
  target: SessionOptions['target']
  /** What the journal names where this sitting is held. */
  targetName: string
  holder: string
  /** Whether another host has this sitting now. */
  isTakenOver(): Promise<boolean>
  /** Where an own ear is wanted. */
  earAccess: (() => Promise<{ url: string; token: string }>) | null
  room: { id: string; title: string; link: string | null; isTakenUp: boolean } | null
  /** Of this very sitting, by a host before. */
  journal: Journal | null
  openProgram(from: {
    state: ProgramState | null
    startMs: number
    onEvent(event: ProgramEvent): void
  }): Promise<SessionProgram>
  writer: JournalWriter
  runLog: RunLog
  setHands(hands: 'everyone' | 'off'): Promise<unknown>
  endRoom(): Promise<unknown>
  tell(event: SittingEvent): void
  onView(view: SittingView): void
  now(): number
}

export type SittingEnd = { outcome: SittingOutcome; message: string; code: string | null }

export type Sitting = {
  readonly done: Promise<SittingEnd>
  command(command: ProgramCommand, by: string): Promise<ProgramAnswer>
  reload(plan: Plan): void
  /** `interrupted`: another host may take it up; `ended`: it is over. */
  close(outcome: 'interrupted' | 'ended'): Promise<void>
  listeners(): number
  /** When the program will be over, by the wall clock; null without end. */
  endsAtMs(): number | null
  /** Publishes again, or leaves and joins again. */
  repair(how: 'republish' | 'rejoin'): void
}
