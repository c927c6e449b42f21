/** What is known of the way from the bot to the media server at one moment. */
export type Uplink = {
  /** Changes whenever a new connection takes the old one's place. */
  connection: number
  /** Bytes that came back from the media server on the publishing connection: reports, checks. */
  bytesReceived: number
  /** Somebody receives the track, or nobody is there to. */
  isReady: boolean
}

export type Observation = { nowMs: number; programMs: number; uplink: Uplink | null }

/** `hold`: give silence, the position stands. `resume`: go on at that program time. */
export type GuardAction = { do: 'nothing' } | { do: 'hold' } | { do: 'resume'; fromProgramMs: number }

/** How long nothing may come back before the way counts as cut; reports come every half second. */
export const SILENT_AFTER_MS = 1200
/** What may have been under way when the last sign of life came. */
const UNDER_WAY_MS = 100

/**
 * Decides when a program waits and from where it goes on, so that a network cut skips nothing and repeats little: what was
 * sent after the last sign of life from the media server may be lost, and is sent again. Values in, values out; `observe`
 * is called a few times a second. It begins holding, until somebody can hear.
 */
export const createCutGuard = () => {
  let isHolding = true
  /** Program time up to which all has certainly arrived. */
  let safeProgramMs = 0
  let last: Observation | undefined
  let lastSignMs = Number.NEGATIVE_INFINITY

  const hasSignOfLife = ({ uplink }: Observation) =>
    uplink !== null &&
    (last?.uplink?.connection !== uplink.connection || uplink.bytesReceived > (last?.uplink?.bytesReceived ?? 0))

  const observe = (now: Observation): GuardAction => {
    const sign = hasSignOfLife(now)
    const before = last
    last = now
    if (sign) lastSignMs = now.nowMs
    if (isHolding) {
      if (!sign || !now.uplink?.isReady) return { do: 'nothing' }
      isHolding = false
      return { do: 'resume', fromProgramMs: safeProgramMs }
    }
    const isNewConnection = before?.uplink?.connection !== now.uplink?.connection
    if (sign && !isNewConnection) {
      // The sign came at some time since the last look: only what was sent before that look is certain.
      safeProgramMs = Math.max(safeProgramMs, (before?.programMs ?? 0) - UNDER_WAY_MS)
      return { do: 'nothing' }
    }
    if (!isNewConnection && now.nowMs - lastSignMs <= SILENT_AFTER_MS) return { do: 'nothing' }
    isHolding = true
    return { do: 'hold' }
  }

  return { observe }
}
