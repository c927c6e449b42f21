import type { SeatAnswer, SeatPush } from '../protocol/seat.ts'

/**
 * What a seat tells a client of its control socket; undefined for anything else, which must not end a face. Looks no deeper
 * than a face relies on without asking; by hand, for the same reason as seat-request.
 */
export const readSeatMessage = (value: unknown): SeatAnswer | SeatPush | undefined => {
  if (!isRecord(value)) return undefined
  return isPush(value) || isAnswer(value) ? (value as SeatAnswer | SeatPush) : undefined
}

type Fields = Record<string, unknown>

const isAnswer = ({ id, ok, state, error }: Fields): boolean => {
  if (!Number.isSafeInteger(id)) return false
  return ok === true ? isState(state) : ok === false && isRecord(error) && typeof error.message === 'string'
}

const isPush = ({ id, event, state, patch, pong }: Fields): boolean => {
  if (id !== undefined) return false
  return (isRecord(event) && typeof event.type === 'string') || isState(state) || isPatch(patch) || pong === true
}

const isState = (state: unknown): boolean =>
  isRecord(state) &&
  ['room', 'connection', 'you', 'devices', 'counts', 'network'].every((name) => isRecord(state[name])) &&
  Array.isArray(state.hands) &&
  Array.isArray(state.participants) &&
  state.participants.every(isRecord)

const isPatch = (patch: unknown): boolean =>
  isRecord(patch) &&
  Array.isArray(patch.participants) &&
  patch.participants.every((row) => Array.isArray(row) && Number.isSafeInteger(row[0]) && isRecord(row[1]))

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
