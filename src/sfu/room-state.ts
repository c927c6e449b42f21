import {
  type ConnectionQuality,
  type DisconnectReason,
  ParticipantInfo_Kind as Kind,
  type LeaveRequest_Action,
  type ParticipantInfo,
  Room,
  type SignalResponse,
  type TrackInfo,
} from '@livekit/protocol'
import type { OfferedSection } from './sdp.ts'

/**
 * One room as values: who is in it, which tracks they publish, who hears whom. Operations change the state and answer
 * with effects; the edge (house.ts) carries them out. No I/O, no clock: `nowMs` is monotonic, ids come as arguments.
 */
export type RoomState = {
  info: Room
  participants: Map<string, Participant>
  /** When the last participant left, or the room was made. Undefined while someone is in it. */
  emptySinceMs: number | undefined
  everJoined: boolean
}

export type Participant = {
  info: ParticipantInfo
  autoSubscribe: boolean
  /** Explicit wishes by track sid, over `autoSubscribe`. */
  wanted: Map<string, boolean>
  paused: Set<string>
  /** Track sids whose media is being sent to this participant. */
  subscribed: Set<string>
  /** Announced by AddTrackRequest, not yet seen in an offer: by cid. */
  pending: Map<string, TrackInfo>
  /** Media section of the publisher's connection -> track sid. */
  sections: Map<string, string>
  /** Sections of the last offer that could carry a track. */
  offered: OfferedSection[]
  joinedMs: number
  everActive: boolean
  /** Its connection can take tracks: a participant who comes back is ACTIVE before that. */
  mediaStands: boolean
  quality: ConnectionQuality | undefined
  /** The signal connection is gone since then; kept for a while so that others see no leave. */
  detachedSinceMs: number | undefined
}

export type RoomEvent =
  | 'room_started'
  | 'room_finished'
  | 'participant_joined'
  | 'participant_left'
  | 'participant_connection_aborted'
  | 'track_published'
  | 'track_unpublished'

export type Effect =
  | { type: 'send'; to: string; message: SignalResponse['message'] }
  | { type: 'leave'; sid: string; reason: DisconnectReason; action: LeaveRequest_Action }
  /** Close a participant's connections without a word. */
  | { type: 'release'; sid: string }
  | { type: 'subscribe'; subscriber: string; publisher: string; trackSid: string; stereo: boolean }
  | { type: 'unsubscribe'; subscriber: string; trackSid: string }
  | { type: 'pause'; subscriber: string; trackSid: string; paused: boolean }
  | { type: 'publish'; sid: string; mid: string; trackSid: string; payloadType: number; levelExtensionId: number }
  /** Whether packets of a track are forwarded: closed while it is muted. */
  | { type: 'gate'; trackSid: string; open: boolean }
  | { type: 'unpublish'; sid: string; trackSid: string }
  | { type: 'event'; event: RoomEvent; participant?: ParticipantInfo; track?: TrackInfo }

export type RoomSettings = {
  emptyTimeoutS: number
  departureTimeoutS: number
  maxParticipants: number
  metadata: string
}

export const createRoomState = (
  sid: string,
  name: string,
  settings: RoomSettings,
  nowMs: number,
  unixMs: number,
): RoomState => ({
  info: new Room({
    sid,
    name,
    emptyTimeout: settings.emptyTimeoutS,
    departureTimeout: settings.departureTimeoutS,
    maxParticipants: settings.maxParticipants,
    metadata: settings.metadata,
    creationTime: BigInt(Math.floor(unixMs / 1000)),
    creationTimeMs: BigInt(Math.floor(unixMs)),
    enabledCodecs: [{ mime: 'audio/opus' }],
  }),
  participants: new Map(),
  emptySinceMs: nowMs,
  everJoined: false,
})

/** A copy of the room's info with the counts of now: of all but agents and egress, as LiveKit counts, hidden ones too. */
export const roomInfo = (room: RoomState): Room => {
  const info = room.info.clone()
  const here = [...room.participants.values()].map((participant) => participant.info)
  info.numParticipants = here.filter(({ kind }) => kind !== Kind.AGENT && kind !== Kind.EGRESS).length
  info.numPublishers = here.filter(({ tracks }) => tracks.length > 0).length
  return info
}

export const byIdentity = (room: RoomState, identity: string): Participant | undefined =>
  [...room.participants.values()].find((participant) => participant.info.identity === identity)

export const findTrack = (
  room: RoomState,
  trackSid: string,
): { publisher: Participant; track: TrackInfo } | undefined => {
  for (const publisher of room.participants.values()) {
    const track = publisher.info.tracks.find(({ sid }) => sid === trackSid)
    if (track) return { publisher, track }
  }
  return undefined
}

/** Tells everyone who may know about a participant's present state. */
export const announce = (room: RoomState, about: Participant, { self = true } = {}): Effect[] => {
  about.info.version += 1
  const message = { case: 'update' as const, value: { participants: [about.info.clone()] } }
  return [...room.participants.keys()]
    .filter((sid) => (sid === about.info.sid ? self : !isHidden(about)))
    .map((to) => send(to, message))
}

export const roomChanged = (room: RoomState, except?: string): Effect[] => {
  const value = { room: roomInfo(room) }
  return [...room.participants.keys()]
    .filter((sid) => sid !== except)
    .map((to) => send(to, { case: 'roomUpdate', value }))
}

export const event = (name: RoomEvent, participant: Participant, track?: TrackInfo): Effect => ({
  type: 'event',
  event: name,
  participant: participant.info.clone(),
  track: track?.clone(),
})

export const isHidden = (participant: Participant): boolean => participant.info.permission?.hidden ?? false

/** Effects carry messages as plain values; the edge makes protobuf of them. */
export const send = (to: string, message: { case: string; value: unknown }): Effect => ({
  type: 'send',
  to,
  message: message as SignalResponse['message'],
})
