import type { Hand } from '../../protocol/rooms.ts'

/** One who was let on stage by the bot; times are session time, so a paused program's floor waits with it. */
type Speaker = { id: string; name: string; askedMs: number; onStageMs: number | null; rungMs: number | null }

/** An open floor: hands are admitted in order, one at a time, each for `eachMs`. */
export type Floor = {
  eachMs: number
  isBellRung: boolean
  speaker: Speaker | null
  /** Were admitted and did not come: not asked again. */
  absent: readonly string[]
}

export type FloorAction =
  | { do: 'admit'; id: string; name: string }
  | { do: 'ring' }
  | { do: 'demote'; id: string; name: string }

/** `programMs` and `endsMs` are session time; `onStage` are the ids of those who may speak. */
export type FloorLook = { programMs: number; endsMs: number; hands: readonly Hand[]; onStage: ReadonlySet<string> }

/** From the bell to the step off the stage: the last sentence. */
const AFTER_BELL_MS = 3000
/** How long the admitted one may take to be on stage. */
const COMING_MS = 8000
/** Less time than this is nobody's. */
const SHORTEST_MS = 10_000

export const openFloor = (eachMs: number, isBellRung: boolean): Floor => ({
  ...{ eachMs, isBellRung },
  speaker: null,
  absent: [],
})

/** Values in, values out: who is admitted, hears the bell, or leaves the stage now. */
export const stepFloor = (floor: Floor, look: FloorLook): { floor: Floor; actions: FloorAction[] } => {
  const { speaker } = floor
  return speaker ? withSpeaker(floor, speaker, look) : next(floor, look)
}

/** The floor is closed: whoever still has it hears the bell and leaves the stage. */
export const closeFloor = ({ speaker, isBellRung }: Floor): FloorAction[] => {
  if (!speaker) return []
  const bell: FloorAction[] = isBellRung && speaker.rungMs === null ? [{ do: 'ring' }] : []
  return [...bell, { do: 'demote', id: speaker.id, name: speaker.name }]
}

type Step = { floor: Floor; actions: FloorAction[] }

const next = (floor: Floor, { programMs, endsMs, hands, onStage }: FloorLook): Step => {
  const hand = hands.find(({ participantId: id }) => !onStage.has(id) && !floor.absent.includes(id))
  const isTooLate = endsMs - programMs < Math.min(floor.eachMs, SHORTEST_MS)
  if (!hand || isTooLate) return { floor, actions: [] }
  const { participantId: id, name } = hand
  const speaker = { id, name, askedMs: programMs, onStageMs: null, rungMs: null }
  return { floor: { ...floor, speaker }, actions: [{ do: 'admit', id, name }] }
}

const withSpeaker = (floor: Floor, speaker: Speaker, look: FloorLook): Step => {
  const { programMs, endsMs, onStage } = look
  const isThere = onStage.has(speaker.id)
  const keep = (change: Partial<Speaker>): Floor => ({ ...floor, speaker: { ...speaker, ...change } })
  if (speaker.onStageMs === null) {
    if (isThere) return { floor: keep({ onStageMs: programMs }), actions: [] }
    const isGone = programMs - speaker.askedMs >= COMING_MS
    return isGone
      ? next({ ...floor, speaker: null, absent: [...floor.absent, speaker.id] }, look)
      : { floor, actions: [] }
  }
  if (!isThere) return next({ ...floor, speaker: null }, look)
  const overMs = Math.min(speaker.onStageMs + floor.eachMs, endsMs - AFTER_BELL_MS)
  if (speaker.rungMs === null)
    return programMs < overMs
      ? { floor, actions: [] }
      : { floor: keep({ rungMs: programMs }), actions: floor.isBellRung ? [{ do: 'ring' }] : [] }
  if (programMs - speaker.rungMs < AFTER_BELL_MS) return { floor, actions: [] }
  return { floor: { ...floor, speaker: null }, actions: [{ do: 'demote', id: speaker.id, name: speaker.name }] }
}
