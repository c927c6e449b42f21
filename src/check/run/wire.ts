import type { SessionTarget } from '../../client/session-link.ts'
import type { NetworkPlan, Plane, RoomView, SoundPlan, StepAction, TrackCounters } from '../contract.ts'

/** How an actor gets to its room: as an account of a roomtone server, or by a room token of a LiveKit server. */
export type ActorTarget =
  | { plane: Extract<Plane, 'room'>; server: string; credentialsFile: string }
  | ({ plane: Extract<Plane, 'livekit'> } & Extract<SessionTarget, { url: string }>)

/** All that an actor's process needs to know. */
export type ActorOrder = {
  name: string
  /** What follows the name of each actor of this run, in the room. */
  suffix: string
  target: ActorTarget
  plays: SoundPlan | null
  /** It opens its microphone when a step says so; else as soon as it may speak. */
  isMutedAtFirst: boolean
  /** Null: its sound goes straight to the media server. */
  network: NetworkPlan | null
  seed: number
  /** When the run began, by `process.hrtime`, which all processes of a machine share. */
  beganAtNs: bigint
}

export type ActorAction = Exclude<StepAction, { kind: 'wait' | 'wait-until' | 'is-killed' | 'starts' }>

export type ActorRequest =
  | { type: 'start'; order: ActorOrder }
  /** `roomId`: where it joins, on a roomtone server. */
  | { type: 'do'; id: number; action: ActorAction; roomId: string | null }
  | { type: 'finish' }

/** 10 ms each, mono at 48 kHz, one after the other; `atMs[i]` is when frame i came, or went. */
export type Frames = { atMs: Float64Array; samples: Int16Array }

export type ActorMessage =
  | { type: 'done'; id: number }
  | { type: 'failed'; id: number; code: string; message: string }
  | { type: 'view'; view: RoomView; isInvited: boolean }
  | { type: 'spoken'; frames: Frames }
  | { type: 'heard'; id: string; name: string; isStranger: boolean; trackId: string; frames: Frames }
  | { type: 'counters'; trackId: string; counters: TrackCounters }
  | { type: 'left'; atMs: number; reason: string; code: string | null; message: string }
  | { type: 'network'; soundPackets: number; droppedPackets: number; isUsed: boolean }
  | { type: 'health'; stalls: { atMs: number; ms: number }[]; cpuMs: number; waitedMs: number | null }
  | { type: 'over' }
