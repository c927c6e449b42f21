import { FRAME_SAMPLES } from '../../audio/frame.ts'
import { levelDb } from '../../audio/level.ts'
import type { ActorPlan, ActorRecord, Hearing, PersonView, RoomView, Span, Spoken, Stall } from '../contract.ts'
import { piecesOf } from './frames.ts'
import type { ActorMessage, Frames } from './wire.ts'

type HeardLog = { name: string; isStranger: boolean; trackId: string; parts: Frames[] }
type Told<T extends ActorMessage['type']> = Extract<ActorMessage, { type: T }>

const AUDIBLE_DB = -50
/** Sound that ends so long before the end of the run is a track that has ended. */
const ENDED_MS = 1_000

/** All that one actor told, as evidence. */
export const createActorRecord = ({ name, network }: ActorPlan) => {
  const record: ActorRecord = { name, stays: [], cuts: [], left: null, error: null, network: null }
  const views: RoomView[] = []
  const spoken: Frames[] = []
  const heard = new Map<string, HeardLog>()
  const counters = new Map<string, Told<'counters'>['counters'][]>()
  const audibleAtMs = new Map<string, number>()
  let health: Told<'health'> | undefined
  let isInvited = false

  const see = (view: RoomView) => {
    views.push(view)
    setOpen(record.stays, view.status === 'live' || view.status === 'reconnecting', view.atMs)
    setOpen(record.cuts, view.status === 'reconnecting', view.atMs)
  }

  const hear = ({ name: speaker, isStranger, trackId, frames }: Told<'heard'>) => {
    const log = heard.get(trackId) ?? { name: speaker, isStranger, trackId, parts: [] }
    // Before the roster is there, a track's speaker has no name yet.
    if (speaker !== '') Object.assign(log, { name: speaker, isStranger })
    log.parts.push(frames)
    heard.set(trackId, log)
    const lastAtMs = lastAudibleMs(frames)
    if (lastAtMs !== undefined) audibleAtMs.set(log.name, lastAtMs)
  }

  return {
    take: (message: ActorMessage): void => {
      switch (message.type) {
        case 'view':
          isInvited = message.isInvited
          see(message.view)
          return
        case 'spoken':
          spoken.push(message.frames)
          return
        case 'heard':
          hear(message)
          return
        case 'counters':
          counters.set(message.trackId, [...(counters.get(message.trackId) ?? []), message.counters])
          return
        case 'left':
          closeSpans(record, message.atMs)
          record.left = { atMs: message.atMs, reason: message.reason }
          return
        case 'network':
          record.network = network && { asked: network, ...message }
          return
        case 'health':
          health = message
      }
    },
    killed: (atMs: number) => {
      closeSpans(record, atMs)
      record.left = { atMs, reason: 'killed' }
    },
    failed: (atMs: number, code: string, message: string) => {
      if (code === 'crashed') closeSpans(record, atMs)
      record.error ??= { atMs, code, message }
    },
    isInvited: () => isInvited,
    isInRoom: () => views.at(-1)?.status === 'live' && record.left === null,
    isGone: () => record.left !== null,
    self: (): PersonView | undefined => views.at(-1)?.people.find((one) => one.name === name && !one.isStranger),
    heardAtMs: (speaker: string): number | undefined => audibleAtMs.get(speaker),
    health: () => health,
    views: () => views,
    record: () => record,
    spoken: (stalls: readonly Stall[]): Spoken => {
      const pieces = piecesOf(spoken)
      return {
        actor: name,
        pieces,
        stalls: stalls.filter(({ atMs, ms }) =>
          pieces.some(({ atMs: from, samples }) => atMs + ms >= from && atMs <= from + samples.length / 48),
        ),
      }
    },
    hearings: (others: readonly string[], untilMs: number): Hearing[] => {
      const strangers = [...heard.values()].filter(({ isStranger, name }) => isStranger && name !== '')
      const whom = [
        ...others.map((speaker) => ({ speaker, isStranger: false })),
        ...[...new Set(strangers.map((one) => one.name))].map((speaker) => ({ speaker, isStranger: true })),
      ]
      return whom.map(({ speaker, isStranger }) => ({
        listener: name,
        speaker,
        isStranger,
        tracks: [...heard.values()]
          .filter((log) => log.name === speaker && log.isStranger === isStranger)
          .map((log) => trackOf(log, counters.get(log.trackId) ?? [], untilMs)),
        muted: mutedSpans(views, speaker, isStranger),
      }))
    },
  }
}

const lastAudibleMs = ({ atMs, samples }: Frames): number | undefined =>
  atMs.findLast((_, frame) => {
    const from = frame * FRAME_SAMPLES
    return levelDb(samples.subarray(from, from + FRAME_SAMPLES)) > AUDIBLE_DB
  })

export type ActorLog = ReturnType<typeof createActorRecord>

const trackOf = (
  { trackId, parts }: HeardLog,
  counters: Told<'counters'>['counters'][],
  untilMs: number,
): Hearing['tracks'][number] => {
  const pieces = piecesOf(parts)
  const last = pieces.at(-1)
  const endMs = last ? last.atMs + last.samples.length / 48 : 0
  return {
    trackId,
    fromMs: pieces[0]?.atMs ?? 0,
    untilMs: endMs < untilMs - ENDED_MS ? endMs : null,
    isEncrypted: false,
    sound: { kind: 'decoded', pieces, counters },
  }
}

/** While the listener saw nobody of that name with an open microphone. */
const mutedSpans = (views: readonly RoomView[], speaker: string, isStranger: boolean): Span[] => {
  const spans: Span[] = []
  for (const { atMs, people } of views) {
    const one = people.find((person) => person.name === speaker && person.isStranger === isStranger)
    setOpen(spans, one?.isMuted ?? true, atMs)
  }
  return spans
}

const setOpen = (spans: Span[], isOpen: boolean, atMs: number): void => {
  const last = spans.at(-1)
  const wasOpen = last !== undefined && last.untilMs === null
  if (isOpen && !wasOpen) spans.push({ fromMs: atMs, untilMs: null })
  if (!isOpen && wasOpen) last.untilMs = atMs
}

const closeSpans = ({ stays, cuts }: ActorRecord, atMs: number): void => {
  setOpen(stays, false, atMs)
  setOpen(cuts, false, atMs)
}
