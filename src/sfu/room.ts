import {
  AudioTrackFeature,
  type ConnectionQuality,
  DisconnectReason,
  JoinResponse,
  LeaveRequest_Action,
  ParticipantInfo,
  ParticipantInfo_State,
  Room,
  ServerInfo,
  type SignalResponse,
  type TrackInfo,
} from '@livekit/protocol'
import type { OfferedSection } from './sdp.ts'
import type { Pass } from './tokens.ts'

/**
 * One room as values: who is in it, which tracks they publish, who hears whom. Operations change the state and answer
 * with effects; the edge (session.ts) carries them out. No I/O, no clock: `nowMs` is monotonic, ids come as arguments.
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

export const DETACHED_MS = 10_000
/** How long a participant may take until its media connection stands. */
const CONNECT_MS = 30_000
export const PING_INTERVAL_S = 5
export const PING_TIMEOUT_S = 15
export const SERVER_INFO = new ServerInfo({ version: '1.9.0', protocol: 16, nodeId: 'roomtone' })

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

/** A copy of the room's info with the counts of now. */
export const roomInfo = (room: RoomState): Room => {
  const info = room.info.clone()
  const visible = [...room.participants.values()].filter((participant) => !isHidden(participant))
  info.numParticipants = visible.length
  info.numPublishers = visible.filter((participant) => participant.info.tracks.length > 0).length
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

/** Someone who is already in may always come again. */
export const isFullFor = (room: RoomState, identity: string): boolean =>
  room.info.maxParticipants > 0 && room.participants.size >= room.info.maxParticipants && !byIdentity(room, identity)

export type JoinOptions = { autoSubscribe: boolean; sid: string; nowMs: number; unixMs: number }

/**
 * Lets someone in. A second join with an identity kicks the first, unless the first has lost its signal connection:
 * then it is the same person coming back, who keeps the participant sid, and others see no leave.
 */
export const join = (
  room: RoomState,
  pass: Pass,
  options: JoinOptions,
): { participant: Participant; effects: Effect[] } => {
  const effects: Effect[] = []
  const before = byIdentity(room, pass.identity)
  const returns = before !== undefined && before.detachedSinceMs !== undefined
  if (before && returns) effects.push(...release(room, before))
  if (before && !returns)
    effects.push(...remove(room, before.info.sid, DisconnectReason.DUPLICATE_IDENTITY, options.nowMs))

  const info = new ParticipantInfo({
    sid: returns ? before.info.sid : options.sid,
    identity: pass.identity,
    name: pass.name,
    metadata: pass.metadata,
    attributes: pass.attributes,
    kind: pass.kind,
    permission: pass.permission,
    state: returns ? before.info.state : ParticipantInfo_State.JOINED,
    joinedAt: returns ? before.info.joinedAt : BigInt(Math.floor(options.unixMs / 1000)),
    joinedAtMs: returns ? before.info.joinedAtMs : BigInt(Math.floor(options.unixMs)),
    version: (before?.info.version ?? 0) + 1,
  })
  const participant: Participant = {
    info,
    autoSubscribe: options.autoSubscribe,
    wanted: new Map(),
    paused: new Set(),
    subscribed: new Set(),
    pending: new Map(),
    sections: new Map(),
    offered: [],
    joinedMs: options.nowMs,
    everActive: returns ? before.everActive : false,
    mediaStands: false,
    quality: undefined,
    detachedSinceMs: undefined,
  }
  room.participants.set(info.sid, participant)
  room.emptySinceMs = undefined
  if (!room.everJoined) effects.push({ type: 'event', event: 'room_started' })
  room.everJoined = true
  effects.push({ type: 'send', to: info.sid, message: { case: 'join', value: joinResponse(room, participant) } })
  effects.push(...announce(room, participant, { self: false }), ...roomChanged(room, info.sid))
  return { participant, effects }
}

/** The subscriber's media connection stands: tracks can follow. */
export const activate = (room: RoomState, sid: string): Effect[] => {
  const participant = room.participants.get(sid)
  if (!participant || participant.info.state === ParticipantInfo_State.ACTIVE) return []
  participant.info.state = ParticipantInfo_State.ACTIVE
  const first = !participant.everActive
  participant.everActive = true
  return [
    ...announce(room, participant),
    ...(first && !isHidden(participant) ? [event('participant_joined', participant)] : []),
  ]
}

/** The signal connection broke without a leave. */
export const detach = (room: RoomState, sid: string, nowMs: number): void => {
  const participant = room.participants.get(sid)
  if (participant) participant.detachedSinceMs ??= nowMs
}

/** Takes a participant out; `told` false where the client itself said goodbye. */
export const remove = (
  room: RoomState,
  sid: string,
  reason: DisconnectReason,
  nowMs: number,
  told = true,
): Effect[] => {
  const participant = room.participants.get(sid)
  if (!participant) return []
  const effects: Effect[] = [
    ...unsubscribeAll(participant),
    told ? { type: 'leave', sid, reason, action: LeaveRequest_Action.DISCONNECT } : { type: 'release', sid },
    ...[...participant.info.tracks].flatMap((track) => withdraw(room, participant, track.sid)),
  ]
  room.participants.delete(sid)
  participant.info.state = ParticipantInfo_State.DISCONNECTED
  participant.info.disconnectReason = reason
  effects.push(...announce(room, participant, { self: false }))
  if (!isHidden(participant))
    effects.push(event(participant.everActive ? 'participant_left' : 'participant_connection_aborted', participant))
  if (room.participants.size === 0) room.emptySinceMs = nowMs
  return [...effects, ...roomChanged(room)]
}

/** What time alone brings about. `finished` says that the room itself has ended. */
export const tick = (room: RoomState, nowMs: number): { effects: Effect[]; finished: boolean } => {
  const effects = [...room.participants.values()].flatMap((participant) => {
    if (participant.detachedSinceMs !== undefined)
      return nowMs - participant.detachedSinceMs >= DETACHED_MS
        ? remove(room, participant.info.sid, DisconnectReason.SIGNAL_CLOSE, nowMs, false)
        : []
    const late = !participant.mediaStands && nowMs - participant.joinedMs >= CONNECT_MS
    return late ? remove(room, participant.info.sid, DisconnectReason.CONNECTION_TIMEOUT, nowMs) : []
  })
  const timeoutMs = 1000 * (room.everJoined ? room.info.departureTimeout : room.info.emptyTimeout)
  const finished = room.emptySinceMs !== undefined && nowMs - room.emptySinceMs >= timeoutMs
  return { effects: finished ? [...effects, { type: 'event', event: 'room_finished' }] : effects, finished }
}

/** Ends the room for everyone in it. */
export const finish = (room: RoomState, reason: DisconnectReason, nowMs: number): Effect[] => [
  ...[...room.participants.keys()].flatMap((sid) => remove(room, sid, reason, nowMs)),
  { type: 'event', event: 'room_finished' },
]

/** Brings what everyone hears (or one participant) in line with what is published, permitted and wished. */
export const reconcile = (room: RoomState, only?: Participant): Effect[] => {
  const published = [...room.participants.values()].filter(
    (publisher) => publisher.info.tracks.length > 0 && !isHidden(publisher),
  )
  return (only ? [only] : [...room.participants.values()]).flatMap((subscriber) => {
    const effects: Effect[] = []
    const wanted = new Set<string>()
    for (const publisher of published) {
      if (publisher === subscriber) continue
      for (const track of publisher.info.tracks) {
        if (!wants(subscriber, track.sid)) continue
        wanted.add(track.sid)
        if (subscriber.subscribed.has(track.sid)) continue
        effects.push({
          type: 'subscribe',
          subscriber: subscriber.info.sid,
          publisher: publisher.info.sid,
          trackSid: track.sid,
          stereo: isStereo(track),
        })
        if (subscriber.paused.has(track.sid))
          effects.push({ type: 'pause', subscriber: subscriber.info.sid, trackSid: track.sid, paused: true })
      }
    }
    for (const trackSid of subscriber.subscribed)
      if (!wanted.has(trackSid)) effects.push({ type: 'unsubscribe', subscriber: subscriber.info.sid, trackSid })
    subscriber.subscribed = wanted
    return effects
  })
}

/** Tells everyone who may know about a participant's present state. */
export const announce = (room: RoomState, about: Participant, { self = true } = {}): Effect[] => {
  about.info.version += 1
  const message = { case: 'update' as const, value: { participants: [about.info.clone()] } }
  return [...room.participants.keys()]
    .filter((sid) => (sid === about.info.sid ? self : !isHidden(about)))
    .map((to) => send(to, message))
}

export const withdraw = (room: RoomState, publisher: Participant, trackSid: string): Effect[] => {
  const track = publisher.info.tracks.find(({ sid }) => sid === trackSid)
  if (!track) return []
  publisher.info.tracks = publisher.info.tracks.filter((candidate) => candidate !== track)
  publisher.info.isPublisher = publisher.info.tracks.length > 0
  for (const [mid, sid] of publisher.sections) if (sid === trackSid) publisher.sections.delete(mid)
  for (const { wanted, paused } of room.participants.values()) {
    wanted.delete(trackSid)
    paused.delete(trackSid)
  }
  return [
    { type: 'unpublish', sid: publisher.info.sid, trackSid },
    ...reconcile(room),
    ...(isHidden(publisher) ? [] : [event('track_unpublished', publisher, track)]),
  ]
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

export const isStereo = (track: TrackInfo): boolean =>
  track.stereo || track.audioFeatures.includes(AudioTrackFeature.TF_STEREO)

/** Effects carry messages as plain values; the edge makes protobuf of them. */
export const send = (to: string, message: { case: string; value: unknown }): Effect => ({
  type: 'send',
  to,
  message: message as SignalResponse['message'],
})

const wants = (subscriber: Participant, trackSid: string): boolean =>
  (subscriber.info.permission?.canSubscribe ?? false) &&
  subscriber.mediaStands &&
  (subscriber.wanted.get(trackSid) ?? subscriber.autoSubscribe)

/** The old connections of someone who has come back: closed, and their tracks withdrawn, under the same sid. */
const release = (room: RoomState, participant: Participant): Effect[] => [
  ...unsubscribeAll(participant),
  { type: 'release', sid: participant.info.sid },
  ...[...participant.info.tracks].flatMap((track) => withdraw(room, participant, track.sid)),
]

const unsubscribeAll = (participant: Participant): Effect[] => {
  const sids = [...participant.subscribed]
  participant.subscribed = new Set()
  participant.mediaStands = false
  return sids.map((trackSid) => ({ type: 'unsubscribe', subscriber: participant.info.sid, trackSid }))
}

const joinResponse = (room: RoomState, participant: Participant): JoinResponse =>
  new JoinResponse({
    room: roomInfo(room),
    participant: participant.info.clone(),
    otherParticipants: [...room.participants.values()]
      .filter((other) => other !== participant && !isHidden(other))
      .map((other) => other.info.clone()),
    serverVersion: SERVER_INFO.version,
    serverInfo: SERVER_INFO,
    subscriberPrimary: true,
    pingInterval: PING_INTERVAL_S,
    pingTimeout: PING_TIMEOUT_S,
    enabledPublishCodecs: [{ mime: 'audio/opus' }],
    fastPublish: true,
  })
