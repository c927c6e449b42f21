import type { AudioSource, Channels } from '../../audio/frame.ts'
import type { Playing, ProgramCommand } from '../../protocol/program.ts'
import type { SoundItem } from '../script/script.ts'

/** A piece of sound that is laid out in session time. Its length is known before the start, but for streams. */
export type PlannedSound = {
  /** Unique in the plan; the same after a restart (journal, as-run log). */
  id: string
  cue: string
  layer: 'voice' | 'bed' | 'bell'
  source:
    | { kind: 'item'; item: SoundItem }
    | { kind: 'speech'; text: string; voice?: string | null }
    | { kind: 'shipped-bell' }
  title: string | null
  artist: string | null
  durationMs: number | null
  /** Brings it to its loudness: one measurement, and the script's own gain. */
  gainDb: number
}

/** A sound that is being decoded, 48 kHz interleaved, in pieces of any length. */
export type OpenSound = {
  pcm(): AsyncGenerator<Int16Array>
  /** A stream's title changed (ICY). */
  onTitle?(listener: (title: { title: string; artist: string | null }) => void): void
  warning(): string | undefined
  close(): Promise<void>
}
/** Opens a sound at a media time; throws with a sentence. */
export type OpenSoundAt = (sound: PlannedSound, at: { startMs: number; channels: Channels }) => Promise<OpenSound>

export type ProgramEvent =
  /** A sound, silence or floor began; `atMs` is session time. */
  | {
      type: 'began'
      id: string
      cue: string
      kind: Playing['kind']
      title: string | null
      artist: string | null
      atMs: number
      lengthMs: number | null
    }
  /** `sentMs`: what really went to the encoder. */
  | {
      type: 'over'
      id: string
      cue: string
      atMs: number
      sentMs: number
      cause: 'end' | 'skip' | 'goto' | 'failed' | 'stop'
      message: string | null
    }
  | { type: 'title'; id: string; title: string; artist: string | null }
  | { type: 'floor-open'; cue: string; ms: number; eachMs: number; isSkippedWithoutHuman: boolean; isBellRung: boolean }
  | { type: 'floor-closed'; cue: string }
  | { type: 'warning'; cue: string | null; message: string }
  | { type: 'ended' }

/** The session's program as a source of frames. What was read is session time that went out. */
export type SessionProgram = AudioSource & {
  /** Session time of the next frame, in ms; what the journal keeps, and `resume` takes. */
  position(): {
    programMs: number
    cue: string | null
    playing: (Omit<Playing, 'startedAt' | 'until'> & { startedMs: number; untilMs: number | null }) | null
  }
  /** Frames are silence, the position stands: by the cut guard, or by a human (`command` pause). */
  hold(): void
  /** Goes on, from an earlier time if one is given, at most 30 s back (what a cut swallowed). */
  resume(fromProgramMs?: number): void
  readonly isHeld: boolean
  /** Heard at most 100 ms later; throws `not-found` (no such cue) or `bad-request`. */
  command(command: ProgramCommand): Promise<void>
  /** Live speakers talk: beds that duck under them do. */
  setSpeaking(isSpeaking: boolean): void
  /** Rings the shipped gentle bell now, over whatever sounds. */
  ringBell(): void
  /** Cues and beds of a script that was read anew count from the next cue on. */
  replacePlan(plan: Plan): void
}

/** The compiled script: everything that was to be measured, rendered or looked up before the start. Made by program/plan. */
export type Plan = {
  channels: Channels
  /** Null: a list without end. */
  endMs: number | null
  entries: readonly PlanEntry[]
}
/** Grown by the engine's author as needed; made and read in src/bot/program alone. */
export type PlanEntry = {
  cue: string
  name: string
  title: string | null
  atMs: number | null
  [more: string]: unknown
}
