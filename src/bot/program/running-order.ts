import { FRAME_SAMPLES } from '../../audio/frame.ts'
import type { ProgramEvent } from './contract.ts'
import type { Item } from './layout.ts'
import { msOf, samplesOf, spansBetween, type Timeline } from './timeline.ts'

export type Ending = Extract<ProgramEvent, { type: 'over' }>['cause']

type Title = { title: string; artist: string | null }
type Running = { item: Item; beganAt: number }

/** How far ahead the next occurrence of an `every` is looked for. */
const SEARCH_SAMPLES = samplesOf(24 * 3600_000)

/** What of a session has begun and what is over, told as it happens. Times are samples of the session. */
export const createRunningOrder = (onEvent: (event: ProgramEvent) => void) => {
  let upcoming: Item[] = []
  const running = new Map<string, Running>()
  /** Told already, so that a new layout does not tell it again. */
  let told = new Set<string>()
  const causes = new Map<string, Ending>()
  /** Of what has not begun: a station tells its title with its first sound. */
  const earlyTitles = new Map<string, Title>()
  let gapSince = 0

  const begin = (item: Item, at: number) => {
    const { key: id, cue, kind, end } = item
    const { title, artist } = earlyTitles.get(id) ?? item
    earlyTitles.delete(id)
    running.set(id, { item: { ...item, title, artist }, beganAt: at })
    told.add(id)
    const lengthMs = end === null ? null : msOf(end - at)
    onEvent({ type: 'began', id, cue, kind, title, artist, atMs: msOf(at), lengthMs })
    if (!item.floor) return
    const { ms, eachMs, isSkippedWithoutHuman, isBellRung } = item.floor
    onEvent({ type: 'floor-open', cue, ms, eachMs, isSkippedWithoutHuman, isBellRung })
  }
  const finish = ({ item, beganAt }: Running, at: number, cause: Ending, missed: number, message: string | null) => {
    const { key: id, cue, kind } = item
    running.delete(id)
    causes.delete(id)
    if (item.layer !== 'bed' && item.layer !== 'bell') gapSince = at
    const sentMs = msOf(Math.max(0, at - beganAt - missed))
    onEvent({ type: 'over', id, cue, atMs: msOf(at), sentMs, cause, message })
    if (kind === 'floor') onEvent({ type: 'floor-closed', cue })
  }
  const firstToEnd = (): Running | undefined => {
    let first: Running | undefined
    for (const one of running.values()) {
      const { end } = one.item
      if (end !== null && end < (first?.item.end ?? Number.POSITIVE_INFINITY)) first = one
    }
    return first
  }

  /** The cue that is the program's matter: the last that began, and neither a bed nor a bell. */
  const current = (): Item | undefined =>
    [...running.values()].map(({ item }) => item).findLast(({ layer }) => layer !== 'bed' && layer !== 'bell')

  const nextMatter = (timeline: Timeline, at: number): number | null => {
    const starts = spansBetween(timeline, at, at + SEARCH_SAMPLES)
      .filter(({ entry, start }) => start > at && entry.content.kind !== 'bed' && entry.content.kind !== 'bell')
      .map(({ start }) => start)
    return starts.length > 0 ? Math.min(...starts) : timeline.end
  }

  return {
    lay: (items: readonly Item[], at: number, isFresh: boolean, keepsOrphans: boolean) => {
      if (isFresh) {
        told = new Set()
        earlyTitles.clear()
      }
      const keys = new Map(items.map((item) => [item.key, item]))
      for (const one of running.values()) {
        const laid = keys.get(one.item.key)
        if (laid) one.item = { ...laid, title: one.item.title, artist: one.item.artist }
        else if (!keepsOrphans) one.item = { ...one.item, end: Math.min(at, one.item.end ?? at) }
      }
      told = new Set([...told].filter((key) => keys.has(key)))
      upcoming = items.filter(
        ({ key, start, end }) => !told.has(key) && (start >= at || (isFresh && (end === null || end > at))),
      )
    },
    /** Tells all that begins and ends in a frame, in order; `missed`: samples of an item that never came. */
    advance: (from: number, to: number, missed: (key: string) => number) => {
      for (;;) {
        const ending = firstToEnd()
        const endsAt = ending ? Math.max(ending.item.end!, ending.beganAt) : to
        const begins = upcoming[0]
        if (begins && begins.start < to && begins.start < endsAt) {
          upcoming.shift()
          begin(begins, Math.max(begins.start, from))
        } else if (ending && endsAt < to) {
          const { key } = ending.item
          finish(ending, endsAt, causes.get(key) ?? 'end', missed(key), null)
        } else return
      }
    },
    endAll: (at: number, cause: Ending, missed: (key: string) => number) => {
      for (const one of running.values()) finish(one, Math.max(one.beganAt, at), cause, missed(one.item.key), null)
    },
    /** It gave no sound at all. */
    fail: (item: Item, at: number, message: string | null) => {
      upcoming = upcoming.filter(({ key }) => key !== item.key)
      if (!running.has(item.key)) begin(item, at)
      finish(running.get(item.key)!, at, 'failed', 0, message)
    },
    /** Why it will be over when it is. */
    willEnd: (key: string, cause: Ending) => void causes.set(key, cause),
    retitle: (key: string, title: Title) => {
      const one = running.get(key)
      if (!one) return void earlyTitles.set(key, title)
      one.item = { ...one.item, ...title }
      onEvent({ type: 'title', id: key, ...title })
    },
    current,
    /** The next cue of whatever kind, but for those that come again and again. */
    nextStart: (timeline: Timeline, at: number): number | null => {
      const starts = timeline.spans.filter(({ start }) => start > at).map(({ start }) => start)
      return starts.length > 0 ? Math.min(...starts) : null
    },
    /** When a cue begins: where it comes again and again, the next time if there is one. */
    startOf: (timeline: Timeline, cue: string, at: number): number | null => {
      const own = timeline.spans.find(({ key }) => key === cue)
      if (own) return own.start
      const ofCue = (from: number) =>
        spansBetween(timeline, from, from + SEARCH_SAMPLES).filter(
          ({ entry, key }) => entry.cue === cue && key.includes('@'),
        )
      return (ofCue(at).find(({ start }) => start > at) ?? ofCue(0)[0])?.start ?? null
    },
    /** What the faces show. */
    playing: (timeline: Timeline, at: number, isPaused: boolean) => {
      const item = current()
      if (item) {
        const { kind, title, artist, start, end, cue } = item
        const untilMs = isPaused || end === null ? null : msOf(end)
        return { cue, playing: { kind, title, artist, isPaused, startedMs: msOf(start), untilMs } }
      }
      const ofLayer = (wanted: Item['layer']) =>
        [...running.values()].findLast(({ item }) => item.layer === wanted)?.item
      const bed = ofLayer('bed')
      const next = nextMatter(timeline, at - FRAME_SAMPLES)
      const untilMs = isPaused || next === null ? null : msOf(next)
      const shared = { isPaused, startedMs: msOf(gapSince), untilMs }
      if (bed)
        return { cue: bed.cue, playing: { kind: 'sound' as const, title: bed.title, artist: bed.artist, ...shared } }
      const bell = ofLayer('bell')
      if (!bell) return { cue: null, playing: { kind: 'silence' as const, title: null, artist: null, ...shared } }
      const { cue, title, artist, start, end } = bell
      const bellUntilMs = isPaused || end === null ? null : msOf(end)
      const times = { isPaused, startedMs: msOf(start), untilMs: bellUntilMs }
      return { cue, playing: { kind: 'sound' as const, title: title ?? 'Bell', artist, ...times } }
    },
  }
}
