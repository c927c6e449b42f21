import type { Playing, ProgramAnswer, ProgramCommand } from '../../protocol/program.ts'
import type { SessionScript } from '../script/script.ts'
import type { Repair } from '../watch/dead-air.ts'
import type { SessionView } from '../watch/report.ts'
import type { RunCause, RunLine } from './as-run.ts'
import type { Journal } from './journal.ts'

/** Where rooms are: a roomtone server with a bot's access token, or one LiveKit room. */
export type HostTarget =
  | { server: string; token: string; proxy?: { http?: string; https?: string; except?: string } }
  | { url: string; token: string }

/** What the parent orders over IPC; tokens never show in a process list. */
export type HostOrder = {
  target: HostTarget
  scripts: SessionScript[]
  /** Where journals and as-run logs are kept, a folder for each session. */
  folder: string
  /** Speech and loudness, kept over runs. */
  cacheFolder: string
  /** Begin at once, whatever the schedule says. */
  isNow: boolean
  /** One sitting of each and no more. */
  isOnce: boolean
  /** A companion of the bot listens in each room whether it is heard. */
  hasEar: boolean
  /** The built children. */
  entries: { speech: string; measure: string }
  /** By which the server knows this host; the same for a process that takes another's place. */
  holder: string
  /** What the process before kept of each session, by its name: a full disk takes no journal. */
  kept: Record<string, KeptHere>
}

/** In the memory of the parent, while there is one. */
export type KeptHere = {
  journal: Journal
  /** Of the as-run log: lines that are not on the disk yet, or may not be. */
  unwritten: RunLine[]
}

export type HostRequest =
  | { type: 'host'; order: HostOrder }
  /** The script was read anew. */
  | { type: 'script'; script: SessionScript }
  | { type: 'command'; id: number; session: string; command: ProgramCommand; by: string }
  | { type: 'repair'; session: string; repair: Exclude<Repair, 'restart'> }
  /** `now`: the sittings are over; else another host may take them up. */
  | { type: 'stop'; isForGood: boolean }

/** Of one session; one line each under `--jsonl`. `at` is ISO 8601 UTC, `programMs` session time. */
export type HostEvent = { at: string; session: string; occurrence: string | null } & (
  | { type: 'waiting'; startsAt: string; local: string; opensAt: string }
  /** Another host has this sitting; it is taken over if that one falls silent. */
  | { type: 'standby' }
  | { type: 'room'; room: string; title: string; link: string | null; isTakenUp: boolean }
  | { type: 'joined'; name: string; role: string }
  | { type: 'on-air'; programMs: number; lateMs: number; isTakenUp: boolean }
  | {
      type: 'began'
      id: string
      cue: string
      kind: Playing['kind']
      title: string | null
      artist: string | null
      programMs: number
      lengthMs: number | null
      listeners: number
    }
  | {
      type: 'over'
      id: string
      cue: string
      programMs: number
      sentMs: number
      cause: RunCause
      message: string | null
    }
  | { type: 'title'; id: string; title: string; artist: string | null }
  | { type: 'paused'; cause: string; by: string | null; programMs: number }
  /** `repeatedMs` of the program are played again; negative: so much was passed over to be where the clock is. */
  | { type: 'resumed'; programMs: number; repeatedMs: number }
  | { type: 'floor-open' | 'floor-closed' | 'floor-skipped'; cue: string }
  | { type: 'admitted' | 'demoted'; name: string }
  | { type: 'command'; command: ProgramCommand; by: string; ok: boolean; message: string }
  | { type: 'reloaded' }
  | { type: 'warning'; message: string }
  /** The session's process died and another takes its place. */
  | { type: 'restarted'; message: string }
  | { type: 'ended'; outcome: SittingOutcome; message: string; code: string | null }
)

/** `kicked`, `replaced` and `room-ended` were done by others; after `kicked` and `replaced` no sitting follows. */
export const outcomes = [
  'ended',
  'stopped',
  'kicked',
  'replaced',
  'room-ended',
  'empty',
  'interrupted',
  'failed',
] as const
export type SittingOutcome = (typeof outcomes)[number]

export type HostMessage =
  | { type: 'event'; event: HostEvent }
  | { type: 'view'; view: SessionView }
  | { type: 'answer'; id: number; answer: ProgramAnswer }
  | { type: 'kept'; session: string; kept: KeptHere }
  /** It has no further sitting. */
  | { type: 'session-over'; session: string }
  /** All sessions are over. */
  | { type: 'over' }
