import { createHistogram, type Histogram, type RecordableHistogram } from 'node:perf_hooks'
import type { IncomingPacket } from './packets-rtp.ts'

/** Numbers that should come one after the other, and what came instead. */
type Order = {
  /** The lowest and the highest number that came; undefined before any. */
  first: number | undefined
  last: number | undefined
  /** Different numbers that came. */
  packets: number
  /** Numbers between `first` and `last` that did not come. */
  lost: number
  duplicates: number
  /** Came after a higher number. */
  reordered: number
}

export type Received = {
  /** By RTP sequence number, as any receiver sees it. */
  rtp: Order
  /** By the numbers that a light participant gave its packets: a server that renumbers cannot hide a loss from them. */
  stamped: Order
  payloadBytes: number
  /** When the first and the last packet came, and the first that holds more than a pause, by performance.now(). */
  firstMs: number | undefined
  lastMs: number | undefined
  firstSoundMs: number | undefined
  /** Interarrival jitter (RFC 3550, section 6.4.1). */
  jitterMs: number
  /** Came later than a buffer of `PLAYOUT_MS` after the quickest one waits for: a decoder has concealed them by then. */
  late: number
  /** Which senders' numbers came, by the high bits of `firstIndex`: more than one for two voices on one track. */
  senders: number[]
  /** Microseconds between one packet and the next to come, and from sending to receiving of stamped ones. */
  gapUs: Histogram
  delayUs: Histogram
}

export type Reception = {
  take(packet: IncomingPacket, nowMs: number, wallMs: number): void
  received(): Received
}

/** Milliseconds over all that histograms of microseconds hold, to about 1 %; undefined where they hold nothing. */
export type Spread = { count: number; minMs: number; medianMs: number; p95Ms: number; p99Ms: number; maxMs: number }

export const spreadOf = (histograms: Histogram[]): Spread | undefined => {
  const all = newHistogram()
  for (const one of histograms) if (one.count > 0) all.add(one as RecordableHistogram)
  if (all.count === 0) return undefined
  return {
    count: all.count,
    minMs: all.min / 1000,
    medianMs: all.percentile(50) / 1000,
    p95Ms: all.percentile(95) / 1000,
    p99Ms: all.percentile(99) / 1000,
    maxMs: all.max / 1000,
  }
}

/** What a receiver's buffer waits for, and so the delay that it adds: fixed here, so that two runs compare. */
export const PLAYOUT_MS = 60
/** Indices of one sender: 5 h of packets. Whoever numbers from `sender * SENDER_INDICES` is told apart by them. */
export const SENDER_INDICES = 2 ** 20

/** Counts one track's packets. */
export const createReception = (): Reception => {
  const [rtp, stamped] = [createOrder(), createOrder()]
  const [gapUs, delayUs] = [newHistogram(), newHistogram()]
  const transit = createTransit()
  const mediaClock = createMediaClock()
  const senders = new Set<number>()
  let payloadBytes = 0
  let firstMs: number | undefined
  let firstSoundMs: number | undefined
  let lastMs: number | undefined
  return {
    take: ({ sequence, timestamp, stamp, payloadBytes: bytes }, nowMs, wallMs) => {
      rtp.take(unwrap(sequence, rtp.told().last))
      const mediaMs = mediaClock(timestamp)
      // A stamp says when a packet left; a timestamp only when it should have.
      transit.take(stamp ? wallMs - stamp.sentAtMs : nowMs - mediaMs)
      payloadBytes += bytes
      firstMs ??= nowMs
      if (bytes > PAUSE_BYTES) firstSoundMs ??= nowMs
      if (lastMs !== undefined) record(gapUs, nowMs - lastMs)
      lastMs = nowMs
      if (!stamp) return
      senders.add(Math.floor(stamp.index / SENDER_INDICES))
      stamped.take(stamp.index % SENDER_INDICES)
      record(delayUs, wallMs - stamp.sentAtMs)
    },
    received: () => ({
      rtp: { ...rtp.told() },
      stamped: { ...stamped.told() },
      payloadBytes,
      firstMs,
      firstSoundMs,
      lastMs,
      ...transit.told(),
      senders: [...senders],
      gapUs,
      delayUs,
    }),
  }
}

/** What Opus sends in a pause (DTX) and for digital silence holds no more. */
const PAUSE_BYTES = 3
const TIMESTAMPS_PER_MS = 48
/** A jump of the sender's clock, or another sender on the same track, is no delay. */
const JUMP_MS = 5_000

/** How long packets were under way, beside one another. */
const createTransit = () => {
  let lastMs: number | undefined
  let leastMs = Number.POSITIVE_INFINITY
  let jitterMs = 0
  let late = 0
  return {
    take: (transitMs: number): void => {
      const changeMs = Math.abs(transitMs - (lastMs ?? transitMs))
      lastMs = transitMs
      if (changeMs > JUMP_MS) leastMs = transitMs
      else jitterMs += (changeMs - jitterMs) / 16
      leastMs = Math.min(leastMs, transitMs)
      if (transitMs - leastMs > PLAYOUT_MS) late += 1
    },
    told: () => ({ jitterMs, late }),
  }
}

/** Media time by RTP timestamps, from the first packet on. */
const createMediaClock = () => {
  let last: number | undefined
  let mediaMs = 0
  return (timestamp: number): number => {
    if (last !== undefined) mediaMs += ((timestamp - last) | 0) / TIMESTAMPS_PER_MS
    last = timestamp
    return mediaMs
  }
}

/** How far back a late or doubled packet is still told apart. */
const WINDOW = 1024

const createOrder = () => {
  const order: Order = { first: undefined, last: undefined, packets: 0, lost: 0, duplicates: 0, reordered: 0 }
  const seen = new Float64Array(WINDOW).fill(Number.NaN)
  return {
    told: () => order,
    take: (number: number): void => {
      const place = ((number % WINDOW) + WINDOW) % WINDOW
      if (seen[place] === number) {
        order.duplicates += 1
        return
      }
      if (order.last !== undefined && number < order.last) order.reordered += 1
      if (order.last === undefined || number > order.last - WINDOW) seen[place] = number
      order.first = Math.min(order.first ?? number, number)
      order.last = Math.max(order.last ?? number, number)
      order.packets += 1
      order.lost = order.last - order.first + 1 - order.packets
    },
  }
}

/** A sequence number of 16 bits as the number nearest to the last one that ends in those bits (RFC 3550, appendix A.1). */
const unwrap = (sequence: number, last: number | undefined): number =>
  last === undefined ? sequence : last + ((((sequence - last) & 0xffff) << 16) >> 16)

const HIGHEST_US = 60_000_000

const newHistogram = (): RecordableHistogram => createHistogram({ lowest: 1, highest: HIGHEST_US, figures: 2 })

/** A clock set back gives a delay below zero: it counts as none. */
const record = (histogram: RecordableHistogram, ms: number): void =>
  histogram.record(Math.min(HIGHEST_US, Math.max(1, Math.round(ms * 1000))))
