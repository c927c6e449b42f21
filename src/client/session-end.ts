import type { SeatLeaveReason } from '../protocol/seat.ts'

/** How a stay ended: `message` is one sentence for people, `code` the error that ended it, if one did. */
export type SessionEnd = { reason: SeatLeaveReason; by: string | null; message: string; code?: string }

// Errors after which trying again is of no use; all others are a matter of time.
const reasons: Record<string, SeatLeaveReason> = {
  'seat-replaced': 'replaced',
  kicked: 'kicked',
  'room-ended': 'room-ended',
  'sign-in-needed': 'signed-out',
  'token-reused': 'signed-out',
  'not-allowed': 'not-allowed',
  'recording-off': 'not-allowed',
  'room-full': 'not-allowed',
  conflict: 'not-allowed',
  'not-found': 'failed',
  'bad-request': 'failed',
  'bad-config': 'failed',
  'no-webrtc': 'failed',
}

export const endOfError = (error: unknown): SessionEnd | undefined => {
  const { code, message } = error as Error & { code?: string }
  const reason = code === undefined ? undefined : reasons[code]
  return reason && { reason, by: null, message, code }
}

/** After every retry: the server or its media server cannot be reached. */
export const unreachableEnd = (error: Error): SessionEnd => ({
  reason: 'unreachable',
  by: null,
  message: error.message,
  code: (error as { code?: string }).code ?? 'unreachable',
})

export const endOf = (reason: SeatLeaveReason, by: string | null = null): SessionEnd => ({
  reason,
  by,
  message: sentences[reason](by ? ` by ${by}` : ''),
})

const sentences: Record<SeatLeaveReason, (by: string) => string> = {
  left: () => 'You left the room.',
  done: () => 'Done; you left the room.',
  interrupted: () => 'Interrupted; you left the room.',
  kicked: (by) => `You were removed from the room${by}.`,
  lost: () => 'The room gave your seat up after a long silence.',
  replaced: () => 'Someone else took your seat: you joined this room from another place.',
  'room-ended': (by) => `The room was ended${by}.`,
  'signed-out': () => 'Your sign-in has ended; sign in again.',
  unreachable: () => 'The room cannot be reached.',
  'not-allowed': () => 'The room does not allow this.',
  failed: () => 'The session failed.',
}
