import type { Playing } from '../../protocol/program.ts'
import type { AirLook } from './dead-air.ts'

/** A hosted session as it is seen from outside: by `bot status` and `GET /sessions`. */
export type SessionReport = {
  /** The script's own name of it. */
  session: string
  title: string
  /**
   * `waiting` for its time; `standby`: another host holds it; `opening`: on its way into the room; `open`: there, before
   * the start; `paused`: by a human or because nobody is there; `over`: no further sitting.
   */
  phase: 'waiting' | 'standby' | 'opening' | 'open' | 'on-air' | 'paused' | 'closing' | 'over'
  /** The sitting that is on, or the next one: its name in the calendar, and its start, ISO 8601 UTC. */
  occurrence: string | null
  startsAt: string | null
  room: { id: string; title: string; link: string | null } | null
  /** Session time of what goes out now. */
  programMs: number
  playing: Playing | null
  /** Humans that listen or speak. */
  listeners: number
  /** A sentence on what is not as it should be. */
  problem: string | null
}

/** What a host tells of each session: twice a second while a sitting is on, else when it changes. */
export type SessionView = {
  report: SessionReport
  look: AirLook
  /** Since when it has to be on air, ms since 1970: the sitting's start, or that of a host that came later; null: not now. */
  dueSinceMs: number | null
  /** It cannot be held, and nothing more is tried. */
  hasFailed: boolean
  /** What `bot check` says of a sitting that is less than an hour away; null: nothing. */
  checkProblem: string | null
  /** What was read of the program and came too late from a decoder, in frames; begins anew in a new process. */
  starvedFrames: number
}
