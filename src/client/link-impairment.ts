/** What a network does to the datagrams of one direction. All shares are chances per datagram, 0 to 1. */
export type Impairment = {
  /** Lost one by one. */
  lossShare?: number
  /**
   * Lost in bursts, by the model of Gilbert and Elliott with its two states: the chance to enter the bad state, to leave
   * it, and to be lost in it (1 unless said). On average `enterShare / (enterShare + leaveShare)` of the time is bad, and
   * a bad spell lasts `1 / leaveShare` datagrams.
   */
  burst?: { enterShare: number; leaveShare: number; lossShare?: number }
  delayMs?: number
  /** Up to this much more, evenly spread; the order stays. */
  jitterMs?: number
  /** Held back for `reorderMs` more (40 unless said), so that later ones overtake. */
  reorderShare?: number
  reorderMs?: number
  /** Sent twice. */
  duplicateShare?: number
  /** Kilobits of UDP payload per second; what would wait longer than `queueMs` (200 unless said) is dropped. */
  rateKbps?: number
  queueMs?: number
  /** Nothing passes: no sound, and signalling waits, too. */
  outage?: boolean
}

export type Fate =
  | { type: 'dropped'; why: 'loss' | 'burst' | 'rate' | 'outage' }
  | { type: 'passed'; dueMs: number; copies: 1 | 2; isHeldBack: boolean }

export type FateSource = {
  /** Decides on the next datagram of `bytes`. */
  next(impairment: Impairment, bytes: number, nowMs: number): Fate
}

const REORDER_MS = 40
const QUEUE_MS = 200

/**
 * Decides over one direction of one participant. Each datagram draws the same six numbers whatever the impairment, so
 * that with one seed the datagram of one index always meets the same chances.
 */
export const createFateSource = (seed: number): FateSource => {
  const random = randomOf(seed)
  let isBad = false
  let sentMs = 0
  let lastDueMs = 0
  return {
    next: (impairment, bytes, nowMs) => {
      const draw = {
        loss: random(),
        state: random(),
        burst: random(),
        jitter: random(),
        order: random(),
        copy: random(),
      }
      isBad = nextState(impairment, isBad, draw.state)
      if (impairment.outage) return { type: 'dropped', why: 'outage' }
      if (draw.loss < (impairment.lossShare ?? 0)) return { type: 'dropped', why: 'loss' }
      if (isBad && draw.burst < (impairment.burst?.lossShare ?? 1)) return { type: 'dropped', why: 'burst' }
      const { rateKbps, queueMs = QUEUE_MS } = impairment
      if (rateKbps !== undefined) {
        const freeMs = Math.max(sentMs, nowMs) + (bytes * 8) / rateKbps
        if (freeMs - nowMs > queueMs) return { type: 'dropped', why: 'rate' }
        sentMs = freeMs
      }
      const startMs = rateKbps === undefined ? nowMs : sentMs
      const dueMs = Math.max(lastDueMs, startMs + (impairment.delayMs ?? 0) + draw.jitter * (impairment.jitterMs ?? 0))
      const isHeldBack = draw.order < (impairment.reorderShare ?? 0)
      if (!isHeldBack) lastDueMs = dueMs
      return {
        type: 'passed',
        dueMs: isHeldBack ? dueMs + (impairment.reorderMs ?? REORDER_MS) : dueMs,
        copies: draw.copy < (impairment.duplicateShare ?? 0) ? 2 : 1,
        isHeldBack,
      }
    },
  }
}

/** A seed of its own for each `part`, the same one each time. */
export const seedFor = (seed: number, part: string): number => {
  // FNV-1a.
  let hash = (seed ^ 0x811c9dc5) >>> 0
  for (const byte of Buffer.from(part)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

const nextState = ({ burst }: Impairment, isBad: boolean, chance: number): boolean => {
  if (!burst) return false
  return isBad ? chance >= burst.leaveShare : chance < burst.enterShare
}

/** Numbers in [0, 1): mulberry32, small and good enough for chances. */
const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
