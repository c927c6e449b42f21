import { SILENCE_DB } from '../audio/level.ts'
import { isSounding, type MicrophoneState, type SeatDevice, type SeatEvent, type SeatState } from '../protocol/seat.ts'
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
import { changeSpeaking, hearWhoSpeaks, reduceMedia, reduceMediaRoster } from './room-state-media.ts'
import { reduceRoomEvent, reduceServerRoster } from './room-state-server.ts'
import { everybody, type Tunings, tune } from './room-tuning.ts'

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
  saidToSpeak: new Set(),
  unheard: new Map(),
  tunings,
  seat: {
    seatId,
    pid,
    room: {
      id: null,
      title: '',
      link: null,
      isRecorded: false,
      startedAt: null,
      awaited: null,
      topic: null,
      language: null,
      sound: 'voice',
      hands: 'everyone',
      playing: null,
    },
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
      isNoiseSuppressed: false,
      isDeafened: false,
      volume: tunings.get(everybody)?.volume ?? 100,
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
      return hearWhoSpeaks(withLevels(model, input), input.levels)
    case 'mute-wish':
      return changeMuteWish(model, input.isMuted)
    case 'sending':
      return quietly(model.isSending === input.isSending ? model : { ...model, isSending: input.isSending })
    case 'deafened':
      return quietly(withYou(model, { isDeafened: input.isDeafened }))
    case 'noise':
      return quietly(withYou(model, { isNoiseSuppressed: input.isSuppressed }))
    case 'volume':
      return quietly(withYou(model, { volume: input.percent }))
    case 'tuned':
      return quietly(tune(model, input.who, input.tuning))
    case 'device':
      return changeDevice(model, input)
    case 'network':
      return quietly(withSeat(model, { network: input.network }))
    case 'reconnecting':
      return startReconnecting(model, input, nowMs)
    case 'clock-set':
      return quietly(setClock(model, input.byMs))
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
  if (!isSounding(devices.microphone)) return 'no-microphone'
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

type Reconnecting = Extract<RoomInput, { type: 'reconnecting' }>

/** Until it is live again nothing is known of the others' voices and lines, nor of one's own line. */
const startReconnecting = (model: RoomModel, { cause, silentMs = 0 }: Reconnecting, nowMs: number): Step => {
  if (model.seat.connection.status !== 'live') return quietly(model)
  const since = new Date(nowMs - silentMs).toISOString()
  const cut = withSeat(model, {
    connection: { status: 'reconnecting', since, cause },
    network: { roundTripMs: null, lossPercent: null, quality: 'lost' },
    participants: model.seat.participants.map((one) =>
      one.quality === 'unknown' ? one : { ...one, quality: 'unknown' },
    ),
  })
  const { model: silent, events } = changeSpeaking(cut, new Set())
  return { model: { ...silent, isSending: false }, events: [{ type: 'reconnecting', cause }, ...events] }
}

/** What lasts, or will be over, is no matter of the clock on the wall: seconds are counted against this machine's. */
const setClock = (model: RoomModel, byMs: number): RoomModel => {
  const { connection, you } = model.seat
  const shift = (instant: string) => new Date(Date.parse(instant) + byMs).toISOString()
  const { invitation } = you
  const next = invitation
    ? withYou(model, { invitation: { ...invitation, expiresAt: shift(invitation.expiresAt) } })
    : model
  if (connection.status !== 'reconnecting') return next
  return withSeat(next, { connection: { ...connection, since: shift(connection.since) } })
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
  const isAway = (one: SeatDevice['status']) => one === 'lost' || one === 'replaced'
  if (isAway(status) && !isAway(was)) return { model: changed, events: [{ type: 'device-lost', device, name }] }
  if (status === 'ok' && isAway(was)) return { model: changed, events: [{ type: 'device-back', device, name }] }
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
