import { setTimeout as sleep } from 'node:timers/promises'
import { joinPackets, type PacketParticipant } from '../../client/packets.ts'

export type EarOptions = {
  /** A companion's access to the room. */
  access(): Promise<{ url: string; token: string }>
  /** Whom it listens to: the bot's own identity in the room. */
  identity(): string
  /** Once each time it is lost, and once when it is back. */
  onProblem(message: string): void
}

export type Ear = {
  /** Packets of the bot that came so far; null while it says nothing: not in the room, or not sure of itself. */
  packets(): number | null
  close(): Promise<void>
}

/** In the room for so long, it should hear. */
const SETTLE_MS = 2_000
const LOOK_MS = 250
/** Hearing nothing for so long it first mistrusts itself, and comes in by a new connection. */
const DOUBT_MS = 1_000
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000]

/**
 * The bot's own ear: a light participant in the same room, which receives what the media server sends to listeners and
 * counts it, never decoding. In scripted silence packets come, too: the bot sends without pauses.
 */
export const startEar = ({ access, identity, onProblem }: EarOptions): Ear => {
  const closing = new AbortController()
  const { signal } = closing
  let there: { participant: PacketParticipant; sinceMs: number } | undefined
  /** Those of former connections. */
  let counted = 0
  const counter = createDoubt()

  const here = () => (there ? packetsOf(there.participant, identity()) : 0)

  const stay = async () => {
    const participant = await joinPackets(await access())
    if (signal.aborted) return participant.leave()
    there = { participant, sinceMs: performance.now() }
    try {
      while (!signal.aborted && participant.ended() === undefined) {
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
        if (counter.look(performance.now(), counted + here(), there.sinceMs) === 'come-anew') return
      }
    } finally {
      counted += here()
      there = undefined
      await participant.leave()
    }
  }

  const run = async () => {
    let isTold = false
    for (let tries = 0; !signal.aborted; ) {
      try {
        await stay()
        if (isTold) onProblem('The own ear is back in the room.')
        isTold = false
        tries = 0
      } catch (error) {
        if (!isTold && tries > 0) onProblem(`The own ear is not in the room: ${(error as Error).message}`)
        isTold ||= tries > 0
        const pauseMs = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]!
        await sleep(pauseMs, undefined, { signal }).catch(() => {})
      }
    }
  }
  const running = run()

  return {
    packets: () => (there && counter.isSure(performance.now(), there.sinceMs) ? counted + here() : null),
    close: async () => {
      closing.abort()
      await running
    },
  }
}

const packetsOf = (participant: PacketParticipant, identity: string): number =>
  participant.received().reduce((sum, track) => sum + (track.identity === identity ? track.rtp.packets : 0), 0)

/** Whether to believe an ear that hears nothing: a second one has to hear nothing, too. Values in, values out. */
export const createDoubt = () => {
  let packets = 0
  let heardAtMs = 0
  let doubtedAtMs: number | undefined
  return {
    look: (nowMs: number, now: number, sinceMs: number): 'come-anew' | 'stay' => {
      if (now !== packets) {
        packets = now
        heardAtMs = nowMs
        doubtedAtMs = undefined
      }
      if (doubtedAtMs !== undefined || nowMs - Math.max(heardAtMs, sinceMs) < DOUBT_MS) return 'stay'
      doubtedAtMs = nowMs
      return 'come-anew'
    },
    /** What hears is believed at once; what does not, once it has had time to, and its forerunner did not hear either. */
    isSure: (nowMs: number, sinceMs: number): boolean =>
      heardAtMs > sinceMs || (doubtedAtMs !== undefined && sinceMs > doubtedAtMs && nowMs - sinceMs >= SETTLE_MS),
  }
}
