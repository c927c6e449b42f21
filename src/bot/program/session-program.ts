import { FRAME_SAMPLES } from '../../audio/frame.ts'
import { gainOfDb } from '../../audio/level.ts'
import { fadeIn, fadeOutMirrored } from '../../audio/seams.ts'
import { apiError } from '../../protocol/errors.ts'
import type { ProgramCommand } from '../../protocol/program.ts'
import type { Layer, OpenSoundAt, Plan, ProgramChange, ProgramEvent, ProgramState, SessionProgram } from './contract.ts'
import { createHistory } from './history.ts'
import { type Item, layoutBetween } from './layout.ts'
import { createLookAheadLimiter } from './limiter.ts'
import { createMixdown } from './mixdown.ts'
import { createRunningOrder, type Ending } from './running-order.ts'
import { msOf, samplesOf, timelineOf } from './timeline.ts'

export type SessionProgramOptions = {
  plan: Plan
  open: OpenSoundAt
  /** Where it was (the journal); from the start unless given. */
  state?: ProgramState
  /** Where it begins, whatever the state says: session time, in ms. */
  startMs?: number
  onEvent(event: ProgramEvent): void
}

type JumpCause = Extract<Ending, 'skip' | 'goto' | 'interrupted'>

/** So far ahead a layout is made; it is made anew when less than a sixth of it is left. */
const LAYOUT_SAMPLES = samplesOf(30_000)
const RELAY_SAMPLES = samplesOf(6000)
/** How long a jump waits for its sounds; what is not there then comes late. */
const JUMP_WITHIN_MS = 80

/**
 * Runs a plan: mixes each frame when it is read, one frame ahead of what it gives, from sounds that are decoded some
 * seconds ahead. Begins running; a host holds it until somebody can hear.
 */
export const createSessionProgram = (options: SessionProgramOptions): SessionProgram => {
  const { open, state, onEvent } = options
  let { plan } = options
  const { channels } = plan
  const size = FRAME_SAMPLES * channels
  const levelsDb: Record<Layer | 'all', number> = { all: 0, voice: 0, bed: 0, bell: 0, ...state?.levelsDb }
  const changes: ProgramChange[] = [...(state?.changes ?? [])]
  let timeline = timelineOf(plan, changes)
  /** Session time of the next frame that is given; the one that `ahead` holds. */
  let position = samplesOf(options.startMs ?? state?.programMs ?? 0)
  /** Up to where it is mixed. */
  let mixedTo = position
  let laidTo = 0
  let ahead = new Float32Array(size)
  let following = new Float32Array(size)
  const last = new Int16Array(size)
  const limiter = createLookAheadLimiter(channels)
  const history = createHistory(channels)
  const order = createRunningOrder(onEvent)
  let isHeld = false
  let isPaused = state?.isPaused ?? false
  let pausedSamples = 0
  let isSpeaking = false
  let isSounding = false
  let isRising = false
  let ending: 'no' | 'stopping' | 'ended' = 'no'
  let endingCause: Ending = 'stop'
  let turns = Promise.resolve()
  /** What waits for sounds does so one after the other. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turns.then(work)
    turns = done.catch(() => {})
    return done
  }

  const newMixdown = () => {
    const made = createMixdown({
      open,
      channels,
      onShort: (item, short) => {
        if (mixdown === made) shorten(item, short)
      },
      onWarning: (item, message) => onEvent({ type: 'warning', cue: item.cue, message }),
      onTitle: (item, title) => order.retitle(item.key, title),
    })
    made.setLevels(gains)
    return made
  }
  const gainsOf = (): Record<Layer, number> => {
    const of = (layer: Layer) => gainOfDb(levelsDb.all + levelsDb[layer])
    return { voice: of('voice'), bed: of('bed'), bell: of('bell') }
  }
  let gains = gainsOf()

  let mixdown = newMixdown()
  const lay = (how: { isFresh?: boolean; keepsOrphans?: boolean } = {}) => {
    laidTo = mixedTo + LAYOUT_SAMPLES
    const items = layoutBetween(timeline, mixedTo, laidTo)
    const { isFresh = false, keepsOrphans = false } = how
    mixdown.lay(items, mixedTo, { isFresh, keepsOrphans })
    order.lay(items, mixedTo, isFresh, keepsOrphans)
  }
  const change = (made: ProgramChange) => {
    changes.push(made)
    timeline = timelineOf(plan, changes)
    lay()
  }

  /** What begins with a change is opened before it is made. */
  const makeWarm = async (make: (at: number) => ProgramChange[]) => {
    const at = mixedTo
    const items = layoutBetween(timelineOf(plan, [...changes, ...make(at)]), at, at + FRAME_SAMPLES)
    await Promise.race([mixdown.warm(items, at), sleep(JUMP_WITHIN_MS)])
    if (ending !== 'no') return
    changes.push(...make(mixedTo))
    timeline = timelineOf(plan, changes)
    lay()
    mixdown.cool()
  }

  const changeWarm = (make: (at: number) => ProgramChange[]) => inTurn(() => makeWarm(make))

  /** A sound that is over before its time, or that never came: what follows in its list, or after it, moves up. */
  const shorten = (
    item: Item,
    { at, hasSounded, message }: { at: number; hasSounded: boolean; message: string | undefined },
  ) => {
    if (message) onEvent({ type: 'warning', cue: item.cue, message })
    if (!hasSounded) order.fail(item, Math.max(item.start, mixedTo), message ?? null)
    const isOwn = timeline.spans.some(({ key }) => key === item.span)
    if (item.layer === 'bell' || (item.layer === 'bed' && hasSounded) || !isOwn) return
    change({ do: 'cut', at: hasSounded ? at : item.start, span: item.span, ordinal: item.ordinal })
  }

  const mixNext = (into: Float32Array) => {
    if (laidTo - mixedTo < RELAY_SAMPLES) lay()
    mixdown.prefetch(mixedTo)
    mixdown.mix(mixedTo, into, gains, isSpeaking)
    order.advance(mixedTo, mixedTo + FRAME_SAMPLES, mixdown.missed)
    mixedTo += FRAME_SAMPLES
  }

  const giveNext = (into: Int16Array) => {
    if (mixedTo === position) mixNext(ahead)
    mixNext(following)
    limiter.apply(ahead, following, into)
    const given = ahead
    ahead = following
    following = given
    position += FRAME_SAMPLES
    history.push(into)
  }

  const finish = (cause: Ending) => {
    order.endAll(Math.min(mixedTo, timeline.end ?? mixedTo), cause, mixdown.missed)
    ending = 'ended'
    onEvent({ type: 'ended' })
    return 'ended' as const
  }

  /** Where sound stops it falls to silence within a frame. */
  const fallSilent = (into: Int16Array) => {
    into.fill(0)
    if (isSounding) fadeOutMirrored(last, into, channels)
    isSounding = false
  }

  const jump = async (target: number, cause: JumpCause) => {
    if (target >= (timeline.end ?? Number.POSITIVE_INFINITY)) {
      ending = 'stopping'
      endingCause = cause
      return
    }
    const next = newMixdown()
    const nextChanges = changes.filter((made) => made.do === 'extend' || made.at <= target)
    const nextTimeline = timelineOf(plan, nextChanges)
    const items = layoutBetween(nextTimeline, target, target + LAYOUT_SAMPLES)
    next.lay(items, target, { isFresh: true, keepsOrphans: false })
    const ready = next.ready(target, 2 * FRAME_SAMPLES)
    if (ready) await Promise.race([ready, sleep(JUMP_WITHIN_MS)])
    if (ending !== 'no') return next.close()
    const before = mixdown
    order.endAll(mixedTo, cause, before.missed)
    changes.splice(0, changes.length, ...nextChanges)
    timeline = nextTimeline
    // The frame that was mixed already goes while the new place comes.
    const left = mixedTo > position ? ahead.map((sample, i) => sample * (1 - i / size)) : null
    mixdown = next
    position = target
    mixedTo = target
    lay({ isFresh: true })
    history.cut()
    mixNext(ahead)
    if (left) for (let i = 0; i < size; i++) ahead[i]! += left[i]!
    await before.close()
  }
  const seek = (target: number, cause: JumpCause) => inTurn(() => jump(target, cause))

  const skip = async () => {
    const current = order.current()
    if (current && !current.isLast) {
      order.willEnd(current.key, 'skip')
      return changeWarm((at) => [{ do: 'cut', at, span: current.span, ordinal: current.ordinal }])
    }
    await seek(order.nextStart(timeline, mixedTo) ?? timeline.end ?? Number.POSITIVE_INFINITY, 'skip')
  }

  const entryOf = (name: string) => {
    const entry = plan.entries.find(({ cue }) => cue === name)
    if (entry) return entry
    throw apiError('not-found', `There is no cue ${name}; there are ${plan.entries.map(({ cue }) => cue).join(', ')}.`)
  }
  const ask = (name: string) => {
    const { cue, content } = entryOf(name)
    const current = order.current()
    // Two voices at once are not understood.
    const isReplaced = content.kind === 'sounds' && current?.layer === 'voice' && current.isLast
    if (isReplaced) order.willEnd(current.key, 'skip')
    return changeWarm((at) => [
      ...(isReplaced ? [{ do: 'cut' as const, at, span: current.span, ordinal: current.ordinal }] : []),
      { do: 'cue', at, cue },
    ])
  }
  const placeOf = (to: Extract<ProgramCommand, { do: 'goto' }>['to']): number => {
    if ('ms' in to) {
      const end = timeline.end === null ? null : msOf(timeline.end)
      if (end === null || to.ms < end) return samplesOf(to.ms)
      throw apiError('bad-request', `The session ends at ${clockOf(end)}; go to a time before that.`)
    }
    const { cue } = entryOf(to.cue)
    const start = order.startOf(timeline, cue, mixedTo)
    if (start !== null) return start
    throw apiError('bad-request', `${cue} has no time of its own: ask for it with cue ${cue}.`)
  }

  const commands: {
    [D in ProgramCommand['do']]: (command: Extract<ProgramCommand, { do: D }>) => Promise<void> | void
  } = {
    pause: () => {
      isPaused = true
    },
    resume: async () => {
      if (isPaused && plan.late === 'clock' && pausedSamples > 0) await seek(position + pausedSamples, 'goto')
      pausedSamples = 0
      isPaused = false
    },
    skip,
    stop: () => {
      ending = 'stopping'
    },
    cue: ({ name }) => ask(name),
    goto: ({ to }) => seek(placeOf(to), 'goto'),
    extend: ({ ms }) => change({ do: 'extend', at: mixedTo, by: samplesOf(ms) }),
    level: ({ of, db }) => {
      levelsDb[of] = db
      gains = gainsOf()
    },
  }

  lay({ isFresh: true })

  return {
    channels,
    get isHeld() {
      return isHeld
    },
    get isPaused() {
      return isPaused
    },
    read: (into) => {
      if (ending === 'ended') {
        into.fill(0)
        return 'ended'
      }
      if (ending === 'stopping') {
        const wasSounding = isSounding
        fallSilent(into)
        return wasSounding ? 'frame' : finish(endingCause)
      }
      if (isPaused && !isHeld) pausedSamples += FRAME_SAMPLES
      if (isHeld || isPaused) {
        isRising = isRising || isSounding
        fallSilent(into)
        return 'frame'
      }
      if (history.left() > 0) history.next(into)
      else if (timeline.end !== null && position >= timeline.end) {
        into.fill(0)
        return finish('end')
      } else giveNext(into)
      last.set(into)
      if (isRising) fadeIn(into, channels)
      isRising = false
      isSounding = true
      return 'frame'
    },
    position: () => ({
      programMs: msOf(position - history.left() * FRAME_SAMPLES),
      ...order.playing(timeline, mixedTo, isPaused),
    }),
    state: () => ({
      programMs: msOf(position - history.left() * FRAME_SAMPLES),
      isPaused,
      levelsDb: { ...levelsDb },
      changes: [...changes],
    }),
    hold: () => {
      isHeld = true
    },
    resume: (fromProgramMs) => {
      isHeld = false
      if (fromProgramMs === undefined) return
      history.rewind(Math.ceil((position - samplesOf(fromProgramMs)) / FRAME_SAMPLES))
    },
    seek: (programMs) => seek(samplesOf(programMs), 'interrupted'),
    command: async (command) => {
      if (ending !== 'no') throw apiError('conflict', 'The program has ended.')
      await commands[command.do](command as never)
    },
    setSpeaking: (speaking) => {
      isSpeaking = speaking
    },
    ringBell: () => void mixdown.ring(plan.gentleBell, () => mixedTo),
    replacePlan: (next) => {
      plan = next
      timeline = timelineOf(plan, changes)
      lay({ keepsOrphans: true })
    },
    ready: () => {
      if (ending !== 'no' || history.left() > 0) return undefined
      const wanted = mixedTo === position ? 2 * FRAME_SAMPLES : FRAME_SAMPLES
      return mixdown.ready(mixedTo, wanted)?.then(() => {})
    },
    endMs: () => (timeline.end === null ? null : msOf(timeline.end)),
    close: async () => {
      ending = 'ended'
      await mixdown.close()
    },
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const clockOf = (ms: number): string => {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
