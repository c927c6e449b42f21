import type { CueKind } from './cues.ts'
import type { LeaveReason } from './events.ts'
import type { ProgramCommand } from './program.ts'
import type { Hand, Participant, Role, Room } from './rooms.ts'

/** What the microphone line says; see the order of precedence in client/room-state. */
export type MicrophoneState =
  | 'open'
  | 'muted'
  | 'muted-by-moderator'
  | 'listening' // not on stage
  | 'hand-raised'
  | 'invited'
  | 'no-microphone'

export type SeatParticipant = Omit<Participant, 'handle' | 'joinedAt'> & {
  /** Null on a LiveKit room without our server. */
  handle: string | null
  isYou: boolean
  /** The track is muted, or there is none. */
  isMuted: boolean
  isSpeaking: boolean
  /** RMS dBFS of the last 100 ms; -100 is silence. */
  levelDb: number
  quality: 'excellent' | 'good' | 'poor' | 'lost' | 'unknown'
  /** 0..200 %, for your ears alone. */
  volume: number
  /** Not heard at all by you, whatever the volume; nobody is told. */
  isSilenced: boolean
}

/** `replaced`: gone, and the system's default one sounds in its place until it is back; `lost`: gone, and nothing does. */
export type SeatDevice = { name: string; status: 'ok' | 'replaced' | 'lost' | 'none' }

export const isSounding = ({ status }: SeatDevice): boolean => status === 'ok' || status === 'replaced'

/** Everything a face needs to draw; one immutable value per change. */
export type SeatState = {
  seatId: string
  pid: number
  room: {
    id: string | null
    title: string
    link: string | null
    isRecorded: boolean
    /** ISO 8601. */
    startedAt: string | null
    awaited: { names: string[]; until: string } | null
    topic: string | null
    language: string | null
    sound: Room['sound']
    hands: Room['hands']
    playing: Room['playing']
  }
  connection:
    | { status: 'joining' }
    | { status: 'live' }
    | { status: 'reconnecting'; since: string; cause: string }
    /** Never told by a seat: the client of its socket has had no answer; the rest of the state is its last. */
    | { status: 'unresponsive'; since: string }
    | { status: 'left'; reason: SeatLeaveReason; by: string | null }
  you: {
    id: string
    name: string
    handle: string | null
    role: Role
    microphone: MicrophoneState
    /** The wish, kept over reconnects; the truth is in `microphone`. */
    isMuted: boolean
    isTalkingWhileMuted: boolean
    /** The microphone is a device whose noise is taken out before anybody hears it. */
    isNoiseSuppressed: boolean
    levelDb: number
    hand: { position: number; question: string | null } | null
    invitation: { by: string; expiresAt: string } | null
    isDeafened: boolean
    /** 0..200 %. */
    volume: number
  }
  devices: { microphone: SeatDevice; speaker: SeatDevice }
  /** Stage first (moderators, speakers), then listeners in order of joining. */
  participants: SeatParticipant[]
  counts: { speakers: number; listeners: number }
  /** For moderators, in order. */
  hands: Hand[]
  /** `roundTripMs`: to the media server and back, as ICE's latest check measured it; nothing of devices, codec or jitter buffer. */
  network: { roundTripMs: number | null; lossPercent: number | null; quality: SeatParticipant['quality'] }
}

export type SeatLeaveReason = LeaveReason | 'unreachable' | 'not-allowed' | 'interrupted' | 'done' | 'failed'

/** The exit code of a program whose one stay ended so. */
export const leaveExitCodes: Record<SeatLeaveReason, number> = {
  left: 0,
  done: 0,
  kicked: 8,
  replaced: 8,
  'room-ended': 8,
  'signed-out': 4,
  lost: 7,
  unreachable: 7,
  'not-allowed': 5,
  interrupted: 130,
  failed: 1,
}

export type Heard = {
  /** Who: the name, and the handle where known. */
  who: string
  handle: string | null
  participantId: string
  seconds: number
  levelDb: number
  frequencyHz: number
  longestGapMs: number
  isFinal: boolean
}

/** One line each under `--jsonl`; `at` is ISO 8601 UTC. */
export type SeatEvent = { at: string } & (
  | { type: 'joined'; room: string; title: string; seatId: string; you: string; role: Role; participants: number }
  | { type: 'participant-joined'; participantId: string; name: string; handle: string | null; role: Role; kind: string }
  | {
      type: 'participant-left'
      participantId: string
      name: string
      handle: string | null
      reason: LeaveReason
      by: string | null
    }
  | {
      type: 'role-changed'
      participantId: string
      name: string
      handle: string | null
      isYou: boolean
      role: Role
      was: Role
    }
  | {
      type: 'hand-raised'
      participantId: string
      name: string
      handle: string | null
      isYou: boolean
      question: string | null
      position: number
    }
  | { type: 'hand-lowered'; participantId: string; name: string; isYou: boolean; reason: string }
  | { type: 'invited-to-speak'; participantId: string; name: string; isYou: boolean; by: string; expiresAt: string }
  | { type: 'invitation-closed'; participantId: string; name: string; isYou: boolean; outcome: string }
  | {
      type: 'muted' | 'unmuted'
      participantId: string
      name: string
      handle: string | null
      isYou: boolean
      byModerator: boolean
    }
  | { type: 'speaking'; participantId: string; name: string; isYou: boolean; isSpeaking: boolean; levelDb: number }
  | { type: 'recording'; isRecorded: boolean; names: string[] }
  | { type: 'room-changed'; title: string }
  | { type: 'playing'; playing: Room['playing'] }
  | { type: 'moderator-awaited'; names: string[]; until: string | null }
  | { type: 'reconnecting'; cause: string }
  | { type: 'reconnected'; afterMs: number }
  | { type: 'device-lost' | 'device-back'; device: 'microphone' | 'speaker'; name: string }
  | ({ type: 'heard' } & Heard)
  | { type: 'warning'; message: string }
  | { type: 'left'; reason: SeatLeaveReason; by: string | null; message: string }
)

/** JSON lines on the control socket. Each request gets one answer with its `id`; `subscribe` adds pushed lines. */
export type SeatRequest = { id: number } & (
  | { verb: 'status' }
  /** Answered by a `pong` alone, whatever the size of the room. */
  | { verb: 'ping' }
  /** With `patches` a state comes as what it changes of the one before, where that is shorter. */
  | { verb: 'subscribe'; state?: boolean; events?: boolean; patches?: boolean }
  | { verb: 'mute' | 'unmute' | 'deafen' | 'undeafen' | 'lower' | 'accept' | 'decline' | 'step-down' | 'leave' }
  | { verb: 'talk'; on: boolean }
  | { verb: 'hand'; question?: string }
  | { verb: 'volume'; percent: number; who?: string }
  /** Somebody is not heard, or heard again, by you alone. */
  | { verb: 'silence' | 'hear'; who: string }
  | { verb: 'stage'; action: string; who: string }
  /** To a bot's program; refused with the bot's own reason. */
  | { verb: 'program'; who: string; command: ProgramCommand }
  /** Other devices from now on, by name, or `default`. */
  | { verb: 'devices'; microphone?: string; speaker?: string }
  /** Suppress the noise of the microphone, where that is a device, from now on. */
  | { verb: 'noise'; on: boolean }
  /** What your own speaker does from now on: which cues it plays; how much the others are lowered while you speak (0: not). */
  | { verb: 'sound'; cues?: CueKind[]; duckingDb?: number }
  | { verb: 'end-room' }
  | { verb: 'detach' }
)
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
/** A request before its connection has numbered it. */
export type SeatCommand = WithoutId<SeatRequest>

/** `code` is an error code of protocol/errors, or `bad-request`. */
export type SeatAnswer =
  | { id: number; ok: true; state: SeatState }
  | { id: number; ok: false; error: { code: string; message: string } }
export type SeatPush = { state: SeatState } | { patch: SeatPatch } | { event: SeatEvent } | { pong: true }
/** What changed of the last state told, and the rows of participants that did, by their index. */
export type SeatPatch = Partial<Omit<SeatState, 'participants'>> & { participants: [number, SeatParticipant][] }
