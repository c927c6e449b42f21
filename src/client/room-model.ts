import type { RoomEvent } from '../protocol/events.ts'
import type { Joined } from '../protocol/rooms.ts'
import type { SeatEvent, SeatLeaveReason, SeatState } from '../protocol/seat.ts'
import type { MediaEvent, MediaParticipant } from './media.ts'
import type { Tuning, Tunings } from './room-tuning.ts'

/** The seat as everyone sees it, and what that is worked out from. */
export type RoomModel = {
  seat: SeatState
  /** Sound really goes out. */
  isSending: boolean
  /** That the microphone is open was told; it is told again only after a muting, not after each cut. */
  isToldOpen: boolean
  /** How loud whom, also of those who are not here. */
  tunings: Tunings
}

export type RoomInput =
  /** The server's answer to a join, also to one after a cut: the whole roster. */
  | { type: 'joined'; joined: Joined }
  /** What LiveKit knows on connecting; without our server this is the roster. */
  | { type: 'media-joined'; you: MediaParticipant; roomName: string; participants: MediaParticipant[] }
  | { type: 'live' }
  | { type: 'server'; event: RoomEvent }
  | { type: 'media'; event: MediaEvent }
  /** RMS dBFS of the last 100 ms, by media identity; who is absent is silent. */
  | { type: 'levels'; levels: Map<string, number>; youDb: number; isTalkingWhileMuted: boolean }
  | { type: 'mute-wish'; isMuted: boolean }
  | { type: 'sending'; isSending: boolean }
  | { type: 'deafened'; isDeafened: boolean }
  | { type: 'volume'; percent: number }
  | { type: 'tuned'; who: string; tuning: Tuning }
  | { type: 'device'; device: 'microphone' | 'speaker'; name: string; status: 'ok' | 'lost' | 'none' }
  | { type: 'network'; network: SeatState['network'] }
  | { type: 'reconnecting'; cause: string }
  | { type: 'left'; reason: SeatLeaveReason; by: string | null; message: string }

type WithoutAt<T> = T extends unknown ? Omit<T, 'at'> : never
export type UndatedEvent = WithoutAt<SeatEvent>
export type Step = { model: RoomModel; events: UndatedEvent[] }

export const quietly = (model: RoomModel): Step => ({ model, events: [] })

export const withSeat = (model: RoomModel, change: Partial<SeatState>): RoomModel => ({
  ...model,
  seat: { ...model.seat, ...change },
})

export const withYou = (model: RoomModel, change: Partial<SeatState['you']>): RoomModel =>
  withSeat(model, { you: { ...model.seat.you, ...change } })

// You stand on stage, and the stage is the head of the list: this is no walk through the audience.
export const isMutedByModerator = ({ participants, you }: SeatState): boolean =>
  participants.find(({ id }) => id === you.id)?.mutedByModerator ?? false
