/** Counts since the start; they name nobody. */
export type Counters = {
  packetsIn: number
  packetsOut: number
  /** RTP of publishers that never came, by its sequence numbers. */
  packetsLost: number
  /** RTP that the connection to a listener did not take: not open yet, or its buffer is full. */
  undelivered: number
  /** RTP that does not parse, or of a payload type that was not agreed on. */
  malformed: number
  /** RTP beyond what any Opus stream needs. */
  overRate: number
  dataDropped: number
  signalMessages: number
  joins: number
  joinsRefused: number
  /** Connections ended for what they sent: too much, or what cannot be read. */
  cutOff: number
  webhooksFailed: number
}

export const createCounters = (): Counters => ({
  packetsIn: 0,
  packetsOut: 0,
  packetsLost: 0,
  undelivered: 0,
  malformed: 0,
  overRate: 0,
  dataDropped: 0,
  signalMessages: 0,
  joins: 0,
  joinsRefused: 0,
  cutOff: 0,
  webhooksFailed: 0,
})
