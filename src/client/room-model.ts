import type { RoomEvent } from '../protocol/events.ts'
import type { Joined } from '../protocol/rooms.ts'
import type { SeatDevice, SeatEvent, SeatLeaveReason, SeatState } from '../protocol/seat.ts'
import type { MediaEvent, MediaParticipant } from './media.ts'
import type { Tuning, Tunings } from './room-tuning.ts'

/** The seat as everyone sees it, and what that is worked out from. */
export type RoomModel = {
  seat: SeatState
  /** Sound really goes out. */
  isSending: boolean
  /** That the microphone is open was told; it is told again only after a muting, not after each cut. */
  isToldOpen: boolean
  /** Who speaks by the media server's last word. */
  saidToSpeak: ReadonlySet<string>
  /** Those of them who are not heard here: for how many looks at the levels. */
  unheard: ReadonlyMap<string, number>
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
  | { type: 'noise'; isSuppressed: boolean }
  | { type: 'device'; device: 'microphone' | 'speaker'; name: string; status: SeatDevice['status'] }
  | { type: 'volume'; percent: number }
  | { type: 'tuned'; who: string; tuning: Tuning }
  | { type: 'network'; network: SeatState['network'] }
  /** `silentMs`: for so long nothing had come before it was noticed. */
  | { type: 'reconnecting'; cause: string; silentMs?: number }
  /** The wall clock was set, forward where positive. */
  | { type: 'clock-set'; byMs: number }
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
