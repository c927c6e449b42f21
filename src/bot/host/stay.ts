import { setTimeout as sleep } from 'node:timers/promises'
import type { AudioSource } from '../../audio/frame.ts'
import { startSession } from '../../client/session.ts'
import type { Session, SessionOptions } from '../../client/session-contract.ts'
import type { SessionEnd } from '../../client/session-end.ts'

export type StayOptions = Omit<SessionOptions, 'source' | 'sink' | 'isDevice' | 'onSourceEnded'> & {
  source: AudioSource
  onEnded(): void
  /** It is in the room no more, for a reason that passes: it is tried again. */
  onAway(message: string): void
}

/** In the room until somebody else ends it: after every failure that may pass it joins anew, in the same seat. */
export type Stay = {
  session(): Session
  /** How it ended for good. */
  readonly done: Promise<SessionEnd>
  close(reason: 'done' | 'interrupted'): Promise<void>
  /** Frames that went out in all of its sessions. */
  sentFrames(): number
}

const RETRY_MS = [500, 1000, 2000]
/** Ends after which somebody else has decided. */
const final: readonly string[] = [
  'done',
  'left',
  'interrupted',
  'kicked',
  'replaced',
  'room-ended',
  'signed-out',
  'not-allowed',
]

export const startStay = (options: StayOptions): Stay => {
  const { onEnded, onAway } = options
  let sentBefore = 0
  let isClosed = false
  const open = () => startSession({ ...options, sink: null, isDevice: false, onSourceEnded: onEnded })
  let session = open()

  const next = () => {
    sentBefore += session.sentFrames()
    session = open()
  }
  const run = async (): Promise<SessionEnd> => {
    for (let tries = 0; ; tries++) {
      const at = performance.now()
      const end = await session.done
      if (isClosed || final.includes(end.reason)) return end
      onAway(end.message)
      if (performance.now() - at > 30_000) tries = 0
      await sleep(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)])
      if (isClosed) return end
      next()
    }
  }
  return {
    session: () => session,
    done: run(),
    close: async (reason) => {
      isClosed = true
      await session.close(reason)
    },
    sentFrames: () => sentBefore + session.sentFrames(),
  }
}
