/** What is known of the way from the bot to the media server at one moment. */
export type Uplink = {
  /** Changes whenever a new connection takes the old one's place. */
  connection: number
  /** Bytes that came back from the media server on the publishing connection: reports, checks. */
  bytesReceived: number
  /** Somebody receives the track, or nobody is there to. */
  isReady: boolean
  /** All who are in the room have their connection for sound, too. */
  areOthersThere: boolean
}

export type Observation = { nowMs: number; programMs: number; uplink: Uplink | null }

/** `hold`: give silence, the position stands. `resume`: go on at that program time. */
export type GuardAction = { do: 'nothing' } | { do: 'hold' } | { do: 'resume'; fromProgramMs: number }

/** How long nothing may come back before the way counts as cut; reports come every half second. */
export const SILENT_AFTER_MS = 1200
/** What may have been under way when the last sign of life came. */
const UNDER_WAY_MS = 100
/** How long a program waits, after a cut that met all, for those who are not back yet; and how long until they can hear. */
const OTHERS_WITHIN_MS = 5000
const OTHERS_SETTLE_MS = 1000

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

  /** The connection that the program was last heard on. */
  let heardOn: number | undefined
  let wait: { connection: number; sinceMs: number; missingUntilMs: number } | undefined

  /** A new connection may be one of many: who had to come back, too, is to miss nothing. */
  const isAnybodyMissing = ({ connection, areOthersThere }: Uplink, nowMs: number) => {
    if (heardOn === undefined || heardOn === connection) return false
    if (wait?.connection !== connection) wait = { connection, sinceMs: nowMs, missingUntilMs: Number.NEGATIVE_INFINITY }
    if (!areOthersThere) wait.missingUntilMs = nowMs
    return nowMs - wait.missingUntilMs < OTHERS_SETTLE_MS && nowMs - wait.sinceMs < OTHERS_WITHIN_MS
  }

  const hasSignOfLife = ({ uplink }: Observation) =>
    uplink !== null &&
    (last?.uplink?.connection !== uplink.connection || uplink.bytesReceived > (last?.uplink?.bytesReceived ?? 0))

  const observe = (now: Observation): GuardAction => {
    const sign = hasSignOfLife(now)
    const before = last
    last = now
    if (sign) lastSignMs = now.nowMs
    if (isHolding) {
      if (!now.uplink?.isReady || isAnybodyMissing(now.uplink, now.nowMs) || !sign) return { do: 'nothing' }
      isHolding = false
      heardOn = now.uplink.connection
      moved(safeProgramMs)
      return { do: 'resume', fromProgramMs: safeProgramMs }
    }
    const isNewConnection = before?.uplink?.connection !== now.uplink?.connection
    if (sign && !isNewConnection) {
      // The sign came at some time since the last look: only what was sent before that look is certain.
      safeProgramMs = Math.max(0, (before?.programMs ?? 0) - UNDER_WAY_MS)
      return { do: 'nothing' }
    }
    if (!isNewConnection && now.nowMs - lastSignMs <= SILENT_AFTER_MS) return { do: 'nothing' }
    isHolding = true
    return { do: 'hold' }
  }

  /** The program is elsewhere by no playing of its own: of what was before nothing is sent again. */
  const moved = (programMs: number) => {
    safeProgramMs = programMs
    // The next sign of life says nothing of what is only sent from here on.
    if (last) last = { ...last, programMs: programMs + UNDER_WAY_MS }
  }

  return { observe, moved }
}
