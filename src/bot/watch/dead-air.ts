/** What is known at one moment of whether a session is on air; a few a second. */
export type AirLook = {
  /** Of the machine's monotonic clock (`process.hrtime`), ms: the same one in every process. */
  nowMs: number
  /** Frames are to go out: in scripted silence and in a pause, too; not before the start, nor while a human keeps the bot silent. */
  isDue: boolean
  /** Frames of 10 ms handed to the encoder so far; begins anew in a new process. */
  sentFrames: number
  /** What goes out does not arrive, and the session is at it: it waits for the way to come back, or joins anew. */
  isCut: boolean
  /** Packets that the own ear has received so far; null while there is no ear in the room. */
  heardPackets: number | null
}

/** Each in turn, once in each stretch of dead air: publish again, join again, begin again in a new process. */
export type Repair = 'republish' | 'rejoin' | 'restart'

/** `no-frames`: none, or too few, were handed to the encoder. `unheard`: they were, but the own ear receives nothing. */
type AirCause = 'no-frames' | 'cut' | 'unheard'

export type AirNews =
  /** Frames that never came, too few of them to be dead air. */
  | { type: 'underrun'; missedMs: number }
  /** Told once, when it is noticed; `forMs` is how long it has lasted by then. */
  | { type: 'dead-air'; cause: AirCause; forMs: number }
  | { type: 'repair'; repair: Repair; forMs: number }
  | { type: 'on-air-again'; cause: AirCause; afterMs: number }

export type AirWatch = {
  observe(look: AirLook): AirNews[]
  /** Since when it is dead air, by the looks' clock; null while on air, or nothing is due. */
  deadSinceMs(): number | null
}

const FRAME_MS = 10
/** Looked at as a whole; of it so much must have been sent to be on air. */
const PACE_MS = 500
const PACE_SHARE = 0.8
/** How long each has to be wrong; an ear is a network and a server behind. */
const DEAD_AFTER_MS: Record<AirCause, number> = { 'no-frames': 1_000, cut: 1_000, unheard: 2_000 }
/** A process that the machine held up comes back by itself; to publish anew would cost it more. */
const FIRST_REPAIR_MS = 3_000
/** How long a repair gets before the next one is tried. */
const LADDER: readonly { repair: Repair; givesMs: number }[] = [
  { repair: 'republish', givesMs: 3_000 },
  { repair: 'rejoin', givesMs: 6_000 },
  // What nothing mended is tried again from the beginning.
  { repair: 'restart', givesMs: 300_000 },
]
/** A session that is cut mends itself; only a fresh process can do more. */
const CUT_GETS_MS = 30_000
/** What the frame clock has not caught up by then is lost. */
const CATCH_UP_MS = 1_000
const UNDERRUN_MS = 20

/**
 * Watches one session's frames against the clock, and says what is to be tried to bring it back. Values in, values out:
 * looks may come at any pace of two a second or faster, and where none comes any more the last one is repeated with the
 * time of now. Dead air is told at most 2 s after it began, by the ear 3 s.
 */
export const createAirWatch = (): AirWatch => {
  let looks: AirLook[] = []
  let fineAtMs: Record<AirCause, number> = { 'no-frames': 0, cut: 0, unheard: 0 }
  let dead: { cause: AirCause; sinceMs: number } | undefined
  let ladder = { next: 0, dueMs: 0 }
  const underruns = countUnderruns()

  const begin = (look: AirLook): AirNews[] => {
    looks = look.isDue ? [look] : []
    fineAtMs = { 'no-frames': look.nowMs, cut: look.nowMs, unheard: look.nowMs }
    underruns.begin(look)
    return over(look)
  }

  const over = (look: AirLook): AirNews[] => {
    if (!dead) return []
    const { cause, sinceMs } = dead
    dead = undefined
    return [{ type: 'on-air-again', cause, afterMs: Math.round(look.nowMs - sinceMs) }]
  }

  const judge = (look: AirLook) => {
    const past = looks.findLast(({ nowMs }) => look.nowMs - nowMs >= PACE_MS)
    if (past && framesBetween(past, look) * FRAME_MS >= PACE_SHARE * (look.nowMs - past.nowMs))
      fineAtMs['no-frames'] = look.nowMs
    if (!look.isCut) fineAtMs.cut = look.nowMs
    // An ear that came or went says nothing yet.
    if (past?.heardPackets === null || (past && look.heardPackets !== past.heardPackets)) fineAtMs.unheard = look.nowMs
  }

  const wrong = (look: AirLook, afterMs: (cause: AirCause) => number): AirCause | undefined =>
    // What explains the others comes first.
    (['cut', 'no-frames', 'unheard'] as const).find((cause) => look.nowMs - fineAtMs[cause] > afterMs(cause))

  const climb = (look: AirLook): AirNews[] => {
    const { cause, sinceMs } = dead!
    const forMs = Math.round(look.nowMs - sinceMs)
    if (cause === 'cut' && ladder.next < LADDER.length - 1) {
      if (forMs < CUT_GETS_MS) return []
      ladder.next = LADDER.length - 1
    }
    if (look.nowMs < ladder.dueMs) return []
    const { repair, givesMs } = LADDER[ladder.next]!
    ladder = { next: (ladder.next + 1) % LADDER.length, dueMs: look.nowMs + givesMs }
    return [{ type: 'repair', repair, forMs }]
  }

  return {
    deadSinceMs: () => dead?.sinceMs ?? null,
    observe: (look) => {
      const before = looks.at(-1)
      if (!look.isDue || !before) return begin(look)
      looks = [...looks.filter(({ nowMs }) => look.nowMs - nowMs <= 4 * PACE_MS), look]
      judge(look)
      const news = underruns.count(look, framesBetween(before, look))
      const cause = wrong(look, (one) => (dead ? 0 : DEAD_AFTER_MS[one]))
      if (!cause && !dead) return news
      // What is missed in dead air is no underrun beside it.
      underruns.begin(look)
      if (!cause) return over(look)
      if (dead) {
        // The way is back, and the session with it: it gets its time, too.
        if (dead.cause === 'cut' && cause !== 'cut') ladder = { next: 0, dueMs: look.nowMs + FIRST_REPAIR_MS }
        dead.cause = cause
        return climb(look)
      }
      dead = { cause, sinceMs: fineAtMs[cause] }
      ladder = { next: 0, dueMs: dead.sinceMs + FIRST_REPAIR_MS }
      return [{ type: 'dead-air', cause, forMs: Math.round(look.nowMs - dead.sinceMs) }, ...climb(look)]
    },
  }
}

/** A new process counts from nothing. */
const framesBetween = (before: AirLook, after: AirLook): number =>
  after.sentFrames - (after.sentFrames < before.sentFrames ? 0 : before.sentFrames)

/** A frame that is late is caught up; what is still owed after a while never comes. */
const countUnderruns = () => {
  let lastMs = 0
  let owedMs = 0
  let settledMs = 0
  let recent: { atMs: number; owedMs: number }[] = []
  return {
    begin: ({ nowMs }: AirLook) => {
      lastMs = nowMs
      owedMs = settledMs = 0
      recent = []
    },
    count: ({ nowMs }: AirLook, frames: number): AirNews[] => {
      owedMs += nowMs - lastMs - frames * FRAME_MS
      lastMs = nowMs
      recent = [...recent.filter(({ atMs }) => nowMs - atMs <= CATCH_UP_MS), { atMs: nowMs, owedMs }]
      const lowestMs = Math.min(...recent.map((one) => one.owedMs))
      const missedMs = Math.round(lowestMs - settledMs)
      if (nowMs - recent[0]!.atMs < CATCH_UP_MS / 2 || missedMs < UNDERRUN_MS) return []
      settledMs = lowestMs
      return [{ type: 'underrun', missedMs }]
    },
  }
}
