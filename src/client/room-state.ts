import { SILENCE_DB } from '../audio/level.ts'
import type { MicrophoneState, SeatEvent, SeatState } from '../protocol/seat.ts'
import {
  isMutedByModerator,
  quietly,
  type RoomInput,
  type RoomModel,
  type Step,
  type UndatedEvent,
  withSeat,
  withYou,
} from './room-model.ts'
import { reduceMedia, reduceMediaRoster } from './room-state-media.ts'
import { reduceRoomEvent, reduceServerRoster } from './room-state-server.ts'
import { type Tunings, tune } from './room-tuning.ts'

export type SeatBeginning = {
  seatId: string
  pid: number
  isMuted: boolean
  devices: SeatState['devices']
  /** Remembered of former stays. */
  tunings?: Tunings
}

export const beginRoom = ({ seatId, pid, isMuted, devices, tunings = new Map() }: SeatBeginning): RoomModel => ({
  isSending: false,
  isToldOpen: false,
  tunings,
  seat: {
    seatId,
    pid,
    room: { id: null, title: '', link: null, isRecorded: false, startedAt: null, awaited: null },
    connection: { status: 'joining' },
    you: {
      id: '',
      name: '',
      handle: null,
      role: 'listener',
      microphone: 'listening',
      isMuted,
      isTalkingWhileMuted: false,
      levelDb: SILENCE_DB,
      hand: null,
      invitation: null,
      isDeafened: false,
      volume: 100,
    },
    devices,
    participants: [],
    counts: { speakers: 0, listeners: 0 },
    hands: [],
    network: { roundTripMs: null, lossPercent: null, quality: 'unknown' },
  },
})

/**
 * Moves the seat by one fact from the server, from LiveKit or from this machine, and tells what that means to people.
 * The same model comes back when nothing changed.
 */
export const reduce = (
  model: RoomModel,
  input: RoomInput,
  nowMs: number,
): { model: RoomModel; events: SeatEvent[] } => {
  const step = settle(apply(model, input, nowMs))
  const at = new Date(nowMs).toISOString()
  return { model: step.model, events: step.events.map((event) => ({ at, ...event }) as SeatEvent) }
}

const apply = (model: RoomModel, input: RoomInput, nowMs: number): Step => {
  switch (input.type) {
    case 'joined':
      return reduceServerRoster(model, input.joined)
    case 'media-joined':
      return reduceMediaRoster(model, input)
    case 'live':
      return goLive(model, nowMs)
    case 'server':
      return reduceRoomEvent(model, input.event)
    case 'media':
      return reduceMedia(model, input.event)
    case 'levels':
      return quietly(withLevels(model, input))
    case 'mute-wish':
      return changeMuteWish(model, input.isMuted)
    case 'sending':
      return quietly(model.isSending === input.isSending ? model : { ...model, isSending: input.isSending })
    case 'deafened':
      return quietly(withYou(model, { isDeafened: input.isDeafened }))
    case 'volume':
      return quietly(withYou(model, { volume: input.percent }))
    case 'tuned':
      return quietly(tune(model, input.who, input.tuning))
    case 'device':
      return changeDevice(model, input)
    case 'network':
      return quietly(withSeat(model, { network: input.network }))
    case 'reconnecting':
      return startReconnecting(model, input.cause, nowMs)
    case 'left':
      return leave(model, input)
  }
}

/** What the microphone line says, worked out anew after each step; that it opened is told when it did, not when asked. */
const settle = ({ model, events }: Step): Step => {
  const microphone = microphoneOf(model)
  const { you, connection } = model.seat
  const next = microphone === you.microphone ? model : withYou(model, { microphone })
  if (you.isMuted) return { model: next.isToldOpen ? { ...next, isToldOpen: false } : next, events }
  // Before `joined` nothing is told.
  if (microphone !== 'open' || next.isToldOpen || connection.status !== 'live') return { model: next, events }
  return { model: { ...next, isToldOpen: true }, events: [...events, { type: 'unmuted', ...yourself(you) }] }
}

const yourself = ({ id, name, handle }: SeatState['you']) => ({
  participantId: id,
  name,
  handle,
  isYou: true,
  byModerator: false,
})

/** The first that applies wins. */
const microphoneOf = ({ seat, isSending }: RoomModel): MicrophoneState => {
  const { you, devices } = seat
  if (you.role === 'listener') {
    if (you.invitation) return 'invited'
    return you.hand ? 'hand-raised' : 'listening'
  }
  if (isMutedByModerator(seat)) return 'muted-by-moderator'
  if (devices.microphone.status !== 'ok') return 'no-microphone'
  return isSending && !you.isMuted ? 'open' : 'muted'
}

const goLive = (model: RoomModel, nowMs: number): Step => {
  const { connection, room, seatId, you, participants } = model.seat
  const live = withSeat(model, { connection: { status: 'live' } })
  if (connection.status === 'reconnecting')
    return { model: live, events: [{ type: 'reconnected', afterMs: nowMs - Date.parse(connection.since) }] }
  if (connection.status !== 'joining') return quietly(model)
  const joined: UndatedEvent = {
    type: 'joined',
    room: room.id ?? room.title,
    title: room.title,
    seatId,
    you: you.name,
    role: you.role,
    participants: participants.length,
  }
  return { model: live, events: [joined] }
}

const startReconnecting = (model: RoomModel, cause: string, nowMs: number): Step => {
  if (model.seat.connection.status !== 'live') return quietly(model)
  const since = new Date(nowMs).toISOString()
  return {
    model: { ...withSeat(model, { connection: { status: 'reconnecting', since, cause } }), isSending: false },
    events: [{ type: 'reconnecting', cause }],
  }
}

const leave = (model: RoomModel, { reason, by, message }: Extract<RoomInput, { type: 'left' }>): Step => {
  if (model.seat.connection.status === 'left') return quietly(model)
  return {
    model: { ...withSeat(model, { connection: { status: 'left', reason, by } }), isSending: false },
    events: [{ type: 'left', reason, by, message }],
  }
}

const changeMuteWish = (model: RoomModel, isMuted: boolean): Step => {
  const { you } = model.seat
  if (you.isMuted === isMuted) return quietly(model)
  const changed = withYou(model, { isMuted, isTalkingWhileMuted: false })
  if (!isMuted || you.role === 'listener' || isMutedByModerator(model.seat)) return quietly(changed)
  return { model: changed, events: [{ type: 'muted', ...yourself(you) }] }
}

const changeDevice = (model: RoomModel, { device, name, status }: Extract<RoomInput, { type: 'device' }>): Step => {
  const was = model.seat.devices[device].status
  const changed = withSeat(model, { devices: { ...model.seat.devices, [device]: { name, status } } })
  if (status === 'lost' && was !== 'lost') return { model: changed, events: [{ type: 'device-lost', device, name }] }
  if (status === 'ok' && was === 'lost') return { model: changed, events: [{ type: 'device-back', device, name }] }
  return quietly(changed)
}

const withLevels = (
  model: RoomModel,
  { levels, youDb, isTalkingWhileMuted }: Extract<RoomInput, { type: 'levels' }>,
): RoomModel => {
  const { seat } = model
  const next: RoomModel =
    youDb === seat.you.levelDb && isTalkingWhileMuted === seat.you.isTalkingWhileMuted
      ? model
      : withYou(model, { levelDb: youDb, isTalkingWhileMuted })
  const levelOf = (id: string) => (id === seat.you.id ? youDb : (levels.get(id) ?? SILENCE_DB))
  if (seat.participants.every(({ id, levelDb }) => levelDb === levelOf(id))) return next
  const participants = seat.participants.map((one) => {
    const levelDb = levelOf(one.id)
    return levelDb === one.levelDb ? one : { ...one, levelDb }
  })
  return withSeat(next, { participants })
}
