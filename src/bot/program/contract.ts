import type { AudioSource, Channels } from '../../audio/frame.ts'
import type { Playing, ProgramCommand } from '../../protocol/program.ts'
import type { CueTime, Duck, SoundItem } from '../script/script.ts'

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
  /** A stream's title changed (ICY); told just before the sound that it belongs to is given. */
  onTitle?(listener: (title: { title: string; artist: string | null }) => void): void
  /** Something goes wrong though it plays on: a station broke off and is asked again, say. */
  onWarning?(listener: (message: string) => void): void
  /** When it is over: what was wrong. */
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
      /** `interrupted`: the host went elsewhere, as after a cut; what sounds there may be the same. */
      cause: 'end' | 'skip' | 'goto' | 'failed' | 'stop' | 'interrupted'
      message: string | null
    }
  | { type: 'title'; id: string; title: string; artist: string | null }
  | { type: 'floor-open'; cue: string; ms: number; eachMs: number; isSkippedWithoutHuman: boolean; isBellRung: boolean }
  | { type: 'floor-closed'; cue: string }
  | { type: 'warning'; cue: string | null; message: string }
  | { type: 'ended' }

/**
 * The session's program as a source of frames: each that is read is session time that went out. What was decided on the
 * way (`ProgramChange`) is laid over the plan, so that plan and changes give the same program again after a restart.
 */
export type SessionProgram = AudioSource & {
  /** `programMs`: session time of the next frame. In a gap between two cues a bed is what plays, else silence until the next. */
  position(): {
    programMs: number
    cue: string | null
    playing: (Omit<Playing, 'startedAt' | 'until'> & { startedMs: number; untilMs: number | null }) | null
  }
  /** For the journal; `createSessionProgram` takes it. */
  state(): ProgramState
  /** Frames are silence, the position stands: by the cut guard. A human's pause is another and survives it. */
  hold(): void
  /** Goes on, from an earlier time if one is given, at most 30 s back (what a cut swallowed); never ahead. */
  resume(fromProgramMs?: number): void
  readonly isHeld: boolean
  /** Paused by a human (`command`). */
  readonly isPaused: boolean
  /** Goes on at another session time, where the clock is, say; what sounds then begins in its middle. */
  seek(programMs: number): Promise<void>
  /** Heard at most 100 ms later; throws `not-found` (no such cue) or `bad-request`. */
  command(command: ProgramCommand): Promise<void>
  /** Live speakers talk: beds that duck under them do. */
  setSpeaking(isSpeaking: boolean): void
  /** Rings the shipped gentle bell now, over whatever sounds. */
  ringBell(): void
  /** Cues and beds of a script that was read anew count from the next cue on; what sounds is left to its end. */
  replacePlan(plan: Plan): void
  /** What the next frame needs is not decoded yet: resolves when it is. Who has time (a renderer) waits; a room does not. */
  ready(): Promise<void> | undefined
  /** Session time at which it ends, as far as that is known. */
  endMs(): number | null
}

/** JSON, small; what a program needs besides its plan to be where it was. */
export type ProgramState = {
  programMs: number
  isPaused: boolean
  levelsDb: Record<Layer | 'all', number>
  changes: ProgramChange[]
}

/** `span` names one time that a cue sounds; times are samples of the session (48 kHz). */
export type ProgramChange =
  /** What sounds at `at` lasts longer, and all after it is later. */
  | { do: 'extend'; at: number; by: number }
  /** The item of that number ended there: skipped, failed, or shorter than it said. */
  | { do: 'cut'; at: number; span: string; ordinal: number }
  /** Somebody asked for a cue by name. */
  | { do: 'cue'; at: number; cue: string }

export type Layer = PlannedSound['layer']

/** The compiled script: everything that was to be measured, rendered or looked up before the start. Made by program/plan. */
export type Plan = {
  channels: Channels
  /** Null: a list without end. */
  endMs: number | null
  /** The script says when it ends; else it ends with its last cue, however long that takes on air. */
  isEndGiven: boolean
  /** After a pause by a human. */
  late: 'shift' | 'clock'
  /** Orders what is shuffled: the same for the same occurrence of a session. */
  seed: string
  /** What `ringBell` rings. */
  gentleBell: PlannedSound
  /** In the order of the file. */
  entries: readonly PlanEntry[]
}

/** A cue with all that was found out about it. */
export type PlanEntry = {
  /** The cue's name, unique. */
  cue: string
  title: string | null
  /** `after`: when all cues with a time (`at`, `after`) that stand before it are over. */
  time: CueTime
  /** When it begins first, in session time; null: only when asked for, or after something that has no known end. */
  atMs: number | null
  /** How long it takes; null: not known, or without end. */
  lengthMs: number | null
  content: PlanContent
}

export type PlanContent =
  | {
      kind: 'sounds'
      sounds: readonly PlannedSound[]
      /** One for each sound. */
      weights: readonly number[]
      order: 'given' | 'shuffle' | 'weighted'
      isLooped: boolean
      forMs: number | null
      crossfadeMs: number
      fadeInMs: number
      fadeOutMs: number
    }
  | { kind: 'bell'; sound: PlannedSound; times: number; everyMs: number }
  | { kind: 'silence'; ms: number }
  /** Null: the bed that sounds is faded out. */
  | { kind: 'bed'; bed: { sound: PlannedSound; loopFadeMs: number | null; duck: Duck | null } | null; fadeMs: number }
  | { kind: 'floor'; ms: number; eachMs: number; isSkippedWithoutHuman: boolean; isBellRung: boolean }
