import { randomInt } from 'node:crypto'
import {
  DisconnectReason,
  type ICEServer,
  LeaveRequest_Action,
  TrackSubscribed,
  type WebhookEvent,
} from '@livekit/protocol'
import type { WebSocket } from 'ws'
import { type Connection, createConnection } from './connection.ts'
import type { Counters } from './counters.ts'
import { createForwarder, type Forwarder } from './forward.ts'
import type { MediaEngine } from './media.ts'
import { createRateLimit } from './rate-limit.ts'
import { qualityUpdate, speakersNow, speakerUpdate, webhookEvent } from './reports.ts'
import { activate, detach, finish, isFullFor, join, remove, tick } from './room.ts'
import { createRoomState, type Effect, type Participant, type RoomSettings, type RoomState } from './room-state.ts'
import { newSid } from './sid.ts'
import { createSpeakerDetector, SPEAKER_INTERVAL_MS, type SpeakerDetector } from './speakers.ts'
import { reconcile } from './subscriptions.ts'
import type { Pass } from './tokens.ts'

/** All rooms of this media server, and the loop that carries their effects out. */
export type House = {
  rooms(): RoomState[]
  find(name: string): RoomState | undefined
  /** The room of that name, made when it is not there. */
  open(name: string, settings?: Partial<RoomSettings>): RoomState
  /** Why this pass does not open its room now: an Error with code `unauthorized`, `not_found` or `full`. */
  whyNot(pass: Pass): Error | undefined
  /** Voids the tokens of an identity in a room that were issued before that second of Unix time. */
  revoke(room: string, identity: string, beforeS: number): void
  enter(
    pass: Pass,
    socket: WebSocket,
    autoSubscribe: boolean,
  ): { room: RoomState; participant: Participant; connection: Connection }
  /** Someone asks to resume: its old signal connection is dead, though it may not show yet. */
  resuming(pass: Pass, sid: string): void
  /** The signal socket of this very connection has closed. */
  detached(room: RoomState, sid: string, connection: Connection): void
  /** True while `connection` is the one in use for that participant, and not on its way out. */
  isCurrent(sid: string, connection: Connection): boolean
  run(room: RoomState, effects: Effect[]): void
  finishRoom(room: RoomState, reason: DisconnectReason): void
  size(): { rooms: number; participants: number; detached: number; tracks: number; connections: number }
  close(): void
}

export type HouseOptions = {
  engine: MediaEngine
  counters: Counters
  /** Whether a join makes the room it names. */
  autoCreate: boolean
  onEvent(event: WebhookEvent): void
  /** TURN servers for one who enters now. */
  iceServers(): ICEServer[]
  log(line: string): void
}

const DEFAULTS: RoomSettings = { emptyTimeoutS: 300, departureTimeoutS: 20, maxParticipants: 0, metadata: '' }
const MAX_ROOMS = 2000
const MAX_CONNECTIONS = 5000
const MAX_REVOKED = 20_000
// Dropped in any case; who sends more than chatter is put out.
const DATA_PER_S = 100
// More than four tracks of Opus can have; what one track has too much is dropped long before (forward.ts).
const PACKETS_PER_S = 2000
// Of those dropped: many who flood together get less of the machine each, so that none has more than the above.
const DROPPED = { perS: 60, burst: 600 }
const REPORT_MS = 2000
const ACKNOWLEDGE_MS = 500

export const createHouse = ({ engine, counters, autoCreate, onEvent, iceServers, log }: HouseOptions): House => {
  const rooms = new Map<string, RoomState>()
  const connections = new Map<string, Connection>()
  const revoked = new Map<string, number>()
  const speakers = new Map<RoomState, SpeakerDetector>()
  const forwarder = createForwarder(counters, Math.random)
  const now = (): number => performance.now()

  const open = (name: string, settings: Partial<RoomSettings> = {}): RoomState => {
    const known = rooms.get(name)
    if (known) return known
    if (rooms.size >= MAX_ROOMS) throw refusal('full', 'this media server has no place for another room')
    const room = createRoomState(newSid('RM'), name, { ...DEFAULTS, ...settings }, now(), Date.now())
    rooms.set(name, room)
    speakers.set(room, createSpeakerDetector())
    return room
  }
  const close = (room: RoomState): void => {
    if (rooms.get(room.info.name) === room) rooms.delete(room.info.name)
    speakers.delete(room)
  }
  const run = (room: RoomState, effects: Effect[]): void => {
    for (const effect of effects) carryOut(room, effect)
  }
  const carryOut = (room: RoomState, effect: Effect): void => {
    switch (effect.type) {
      case 'send':
        connections.get(effect.to)?.send(effect.message)
        break
      case 'leave':
        connections.get(effect.sid)?.leave(effect.reason, effect.action)
        connections.delete(effect.sid)
        break
      case 'release':
        connections.get(effect.sid)?.close()
        connections.delete(effect.sid)
        break
      case 'event':
        onEvent(webhookEvent(room, effect))
        break
      default:
        carryMedia(room, effect, connections, forwarder, speakers.get(room))
    }
  }
  const failed = (room: RoomState, sid: string, connection: Connection): void => {
    if (connections.get(sid) !== connection) return
    // No ICE restart here: the client comes back by a new join, and keeps its place meanwhile.
    detach(room, sid, now())
    connection.leave(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT)
  }

  /** Ends the stay of one who sends too much. The reason that LiveKit has for it is the one of bad signal messages. */
  const cutOff = (room: RoomState, sid: string, connection: Connection, what: string): void => {
    if (connections.get(sid) !== connection) return
    counters.cutOff += 1
    log(`participant ${sid}: sent too many ${what}`)
    run(room, remove(room, sid, DisconnectReason.STATE_MISMATCH, now()))
  }

  const every = (ms: number, work: () => void): NodeJS.Timeout => setInterval(work, ms)
  const timers = [
    every(SPEAKER_INTERVAL_MS, () => {
      for (const [room, detector] of speakers) run(room, speakerUpdate(room, detector))
    }),
    every(ACKNOWLEDGE_MS, () => forwarder.acknowledge(now())),
    every(REPORT_MS, () => {
      const losses = forwarder.report(now(), Date.now())
      for (const room of rooms.values()) run(room, qualityUpdate(room, losses))
    }),
    every(500, () => {
      for (const room of [...rooms.values()]) {
        const { effects, finished } = tick(room, now())
        run(room, effects)
        if (finished) close(room)
      }
    }),
  ]

  return {
    rooms: () => [...rooms.values()],
    find: (name) => rooms.get(name),
    open,
    whyNot: (pass) => {
      const room = rooms.get(pass.room)
      if (pass.issuedAtS < (revoked.get(revokedKey(pass.room, pass.identity)) ?? 0))
        return refusal('unauthorized', 'the access token was revoked')
      if (!room && !autoCreate) return refusal('not_found', 'requested room does not exist')
      if (room && isFullFor(room, pass.identity)) return refusal('full', 'the room is full')
      return connections.size >= MAX_CONNECTIONS ? refusal('full', 'this media server is full') : undefined
    },
    revoke: (room, identity, beforeS) => {
      revoked.set(revokedKey(room, identity), beforeS)
      const [oldest] = revoked.keys()
      if (revoked.size > MAX_REVOKED && oldest !== undefined) revoked.delete(oldest)
    },
    enter: (pass, socket, autoSubscribe) => {
      const room = open(pass.room)
      const { participant, effects } = join(room, pass, {
        autoSubscribe,
        sid: newSid('PA'),
        nowMs: now(),
        unixMs: Date.now(),
      })
      const { sid } = participant.info
      const withinDataRate = createRateLimit(DATA_PER_S, DATA_PER_S * 5)
      const withinPacketRate = createRateLimit(PACKETS_PER_S, PACKETS_PER_S)
      const withinDropRate = createRateLimit(DROPPED.perS, DROPPED.burst)
      counters.joins += 1
      const connection: Connection = createConnection(socket, engine, {
        onPacket: (mid, packet) => {
          if (!withinPacketRate(now())) return cutOff(room, sid, connection, 'packets')
          const trackSid = participant.sections.get(mid)
          const isTaken = trackSid === undefined || forwarder.receive(trackSid, packet, now())
          if (!isTaken && !withinDropRate(now())) cutOff(room, sid, connection, 'packets')
        },
        onData: () => {
          counters.dataDropped += 1
          if (!withinDataRate(now())) cutOff(room, sid, connection, 'data messages')
        },
        onActive: () => {
          if (connections.get(sid) !== connection) return
          participant.mediaStands = true
          run(room, [...activate(room, sid), ...reconcile(room, participant)])
          run(room, [speakersNow(sid, speakers.get(room))])
        },
        onFailed: () => failed(room, sid, connection),
      })
      // What ends an old connection of the same person comes first, then this one takes its place.
      const joinAt = effects.findIndex((effect) => effect.type === 'send' && effect.message.case === 'join')
      run(room, effects.slice(0, joinAt))
      const welcome = effects[joinAt]
      if (welcome?.type === 'send' && welcome.message.case === 'join') welcome.message.value.iceServers = iceServers()
      connections.set(sid, connection)
      run(room, effects.slice(joinAt))
      return { room, participant, connection }
    },
    resuming: (pass, sid) => {
      const room = rooms.get(pass.room)
      if (room?.participants.get(sid)?.info.identity === pass.identity) detach(room, sid, now())
    },
    detached: (room, sid, connection) => {
      if (connections.get(sid) === connection) detach(room, sid, now())
    },
    // Who is told to join anew may say this and that before reading it, also goodbye to the old connection.
    isCurrent: (sid, connection) => connections.get(sid) === connection && !connection.isClosed(),
    run,
    finishRoom: (room, reason) => {
      run(room, finish(room, reason, now()))
      close(room)
    },
    size: () => {
      const participants = [...rooms.values()].flatMap((room) => [...room.participants.values()])
      const tracks = participants.reduce((sum, { info }) => sum + info.tracks.length, 0)
      const detached = participants.filter(({ detachedSinceMs }) => detachedSinceMs !== undefined).length
      return { rooms: rooms.size, participants: participants.length, detached, tracks, connections: connections.size }
    },
    close: () => {
      for (const timer of timers) clearInterval(timer)
      for (const room of [...rooms.values()]) run(room, finish(room, DisconnectReason.SERVER_SHUTDOWN, now()))
      rooms.clear()
    },
  }
}

type MediaEffect = Exclude<Effect, { type: 'send' | 'leave' | 'release' | 'event' }>

const carryMedia = (
  room: RoomState,
  effect: MediaEffect,
  connections: Map<string, Connection>,
  forwarder: Forwarder,
  detector: SpeakerDetector | undefined,
): void => {
  switch (effect.type) {
    case 'publish': {
      const { sid, mid, trackSid, payloadType, levelExtensionId } = effect
      forwarder.publish(trackSid, {
        participantSid: sid,
        payloadType,
        levelExtensionId,
        sendRtcp: (packet) => connections.get(sid)?.sendRtcp(mid, packet),
        onLevel: (level, durationMs) => detector?.observe(trackSid, sid, level, durationMs),
        onFirstDelivery: () =>
          connections.get(sid)?.send({ case: 'trackSubscribed', value: new TrackSubscribed({ trackSid }) }),
      })
      break
    }
    case 'unpublish':
      detector?.forget(effect.trackSid)
      forwarder.unpublish(effect.trackSid)
      break
    case 'gate':
      forwarder.gate(effect.trackSid, effect.open)
      break
    case 'pause':
      forwarder.pause(effect.trackSid, effect.subscriber, effect.paused)
      break
    case 'unsubscribe':
      forwarder.unsubscribe(effect.trackSid, effect.subscriber)
      connections.get(effect.subscriber)?.unsubscribe(effect.trackSid)
      break
    case 'subscribe': {
      const { subscriber, publisher, trackSid, stereo } = effect
      const track = { streamId: `${publisher}|${trackSid}`, stereo, ssrc: randomInt(0x10000, 0x7fffffff) }
      const sink = connections.get(subscriber)?.subscribe(trackSid, track)
      if (sink) forwarder.subscribe(trackSid, subscriber, sink)
      else room.participants.get(subscriber)?.subscribed.delete(trackSid)
    }
  }
}

const revokedKey = (room: string, identity: string): string => JSON.stringify([room, identity])

const refusal = (code: 'unauthorized' | 'not_found' | 'full', message: string): Error =>
  Object.assign(new Error(message), { code })
