import type { AudioSink, AudioSource } from '../audio/frame.ts'
import type { CueKind } from '../protocol/cues.ts'
import type { Playing } from '../protocol/program.ts'
import type { Heard, SeatCommand, SeatDevice, SeatEvent, SeatState } from '../protocol/seat.ts'
import type { MediaOptions } from './media.ts'
import type { TrackStats } from './media-stats.ts'
import type { Tuning, Tunings } from './room-tuning.ts'
import type { SessionEnd } from './session-end.ts'
import type { SessionTarget } from './session-link.ts'
import type { OnProgramCommand } from './session-program.ts'

export type SessionOptions = {
  target: SessionTarget
  /** The same id takes up the same seat again within 120 s. */
  seatId?: string
  /** Bots only: the name of this participant. */
  name?: string
  /** What is heard is written to disk: shown to all, refused where the room does not allow it. */
  recording?: boolean
  /** Opened by the caller, who also closes them. */
  source: AudioSource | null
  sink: AudioSink | null
  /** A microphone device starts muted and opens by `unmute`; any other source is open as soon as one may speak. */
  isDevice: boolean
  unmuted?: boolean
  /** As for a device, whatever the source. */
  isMutedAtFirst?: boolean
  /** Stereo at 96 kbit/s without pauses in transmission; by default when the source is stereo. */
  music?: boolean
  devices?: SeatState['devices']
  /** How loud whom, by `lastingName`: of former stays, and what is changed in this one. */
  tunings?: Tunings
  onTuned?(who: string, tuning: Tuning): Promise<void> | void
  /** Short sounds to `sink` alone; none unless said. */
  cues?: readonly CueKind[]
  /** How much others are lowered there while one speaks; 0, not at all, unless said. */
  duckingDb?: number
  onState?(state: SeatState): void
  onEvent?(event: SeatEvent): void
  onSourceEnded?(): void
  /** Every 10 ms of every track as it was decoded, before volumes and mixing. */
  onPcm?: MediaOptions['onPcm']
  /** The counters of all tracks, every 100 ms. */
  onStats?(tracks: ReadonlyMap<string, TrackStats>): void
  /** What a moderator asks of this bot's program; refused with a reason unless this is there. */
  onProgramCommand?: OnProgramCommand
  /** Nothing more comes to the sink. The end is told after this, 2 s later at the latest: what it finds out can be told before. */
  onSilent?(): Promise<void>
  /** Not in the room yet: it has no place for now, or is not reached, and is asked again. A warning unless this is there. */
  onWaiting?(message: string): void
  /** Wall clock, ms since 1970. */
  now?(): number
  /** How long a first join is tried for (8 s); a lost room is tried for until one is told to be out of it. */
  joinWithinMs?: number
}

type Uplink = {
  /** Changes whenever a new connection takes the old one's place. */
  connection: number
  /** Bytes that came back on the publishing connection. */
  bytesReceived: number
  /** Somebody receives the track, or nobody is there to. */
  isReady: boolean
  /** All who are in the room, by its server, have their connection for sound, too. */
  areOthersThere: boolean
}

export type Session = {
  readonly seatId: string
  state(): SeatState
  /** Does one command of the seat; throws an Error with a code of protocol/errors. */
  command(command: SeatCommand): Promise<void>
  /** Resolves when one is in the room; rejects with the error, and its code, that kept one out. */
  readonly joined: Promise<void>
  readonly done: Promise<SessionEnd>
  /** What was heard since the beginning, per participant. */
  heard(): Heard[]
  setSource(source: AudioSource | null): void
  setSink(sink: AudioSink | null): void
  setDevice(device: 'microphone' | 'speaker', name: string, status: SeatDevice['status']): void
  /** The source's noise is taken out before it comes here, or not. */
  setNoise(isSuppressed: boolean): void
  setCues(kinds: readonly CueKind[]): void
  setDucking(db: number): void
  /** What a bot plays, for all to see from now on; told again after each join. */
  setPlaying(playing: Playing | null): void
  warn(message: string): void
  /** Frames of 10 ms of the source that went out, open and connected. */
  sentFrames(): number
  /** What is known of the way to the media server; null while nothing is published. */
  uplink(): Promise<Uplink | null>
  /** For a watcher that finds that nothing goes out, or nothing arrives, though all seems well: publishes, or joins, anew. */
  repair(how: 'republish' | 'rejoin'): void
  /** Leaves; no sound comes or goes when it resolves. */
  close(reason?: 'left' | 'done' | 'interrupted'): Promise<void>
}
