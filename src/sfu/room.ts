import {
  DisconnectReason,
  JoinResponse,
  LeaveRequest_Action,
  ParticipantInfo,
  ParticipantInfo_State,
  ServerInfo,
} from '@livekit/protocol'
import {
  announce,
  byIdentity,
  type Effect,
  event,
  isHidden,
  type Participant,
  type RoomState,
  roomChanged,
  roomInfo,
} from './room-state.ts'
import { unsubscribeAll, withdraw } from './subscriptions.ts'
import type { Pass } from './tokens.ts'

/** Coming, staying and going in one room: operations on room-state.ts that answer with effects. */

export const DETACHED_MS = 10_000
/** How long a participant may take until its media connection stands. */
const CONNECT_MS = 30_000
const PING_INTERVAL_S = 5
export const PING_TIMEOUT_S = 15
const SERVER_INFO = new ServerInfo({ version: '1.9.0', protocol: 16, nodeId: 'roomtone' })

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
    // Where a connection cannot be resumed, the client does not know that it should ask again.
    wanted: new Map(returns ? [...before.wanted].filter(([, isWanted]) => isWanted) : []),
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

/** The old connections of someone who has come back: closed, and their tracks withdrawn, under the same sid. */
const release = (room: RoomState, participant: Participant): Effect[] => [
  ...unsubscribeAll(participant),
  { type: 'release', sid: participant.info.sid },
  ...[...participant.info.tracks].flatMap((track) => withdraw(room, participant, track.sid)),
]

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
