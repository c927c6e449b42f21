import type { SeatCommand } from '../protocol/seat.ts'

/** What the running seat is told when a setting changes; undefined for one that is no concern of its. */
export const liveSetting = (key: string, value: string): SeatCommand | undefined =>
  key === 'noise' ? { verb: 'noise', on: value === 'on' } : undefined
