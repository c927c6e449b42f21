import { type Channels, FRAME_SAMPLES } from '../../audio/frame.ts'
import { gainOfDb } from '../../audio/level.ts'
import type { Layer, OpenSoundAt, PlannedSound } from './contract.ts'
import { createDucker } from './duck.ts'
import { DECLICK_SAMPLES, fadeAt, type Item, isSteady, type Part } from './layout.ts'
import { createSoundReader, type SoundReader } from './reader.ts'
import { msOf, samplesOf } from './timeline.ts'

export type MixdownOptions = {
  open: OpenSoundAt
  channels: Channels
  /** A sound ended before its time (`at`, of the session), or gave nothing at all; `message`: what was wrong. */
  onShort(item: Item, short: { at: number; hasSounded: boolean; message: string | undefined }): void
  onWarning(item: Item, message: string): void
  onTitle(item: Item, title: { title: string; artist: string | null }): void
}

/** How long before it is due a sound is opened. */
const PREFETCH_SAMPLES = samplesOf(5000)
/** A sound that is shorter than it said by less than this is as long as it said. */
const SHORT_SAMPLES = 48

type Strand = {
  item: Item
  part: Part
  reader: SoundReader
  /** Session time of the first sample that is mixed. */
  entersAt: number
  isMidway: boolean
  /** Samples that were not there when they were due. */
  missing: number
}

/** Mixes what a layout says, frame by frame: opens sounds before they are due, brings them to their levels, ducks and fades. */
export const createMixdown = ({ open, channels, onShort, onWarning, onTitle }: MixdownOptions) => {
  let strands = new Map<string, Strand>()
  let upcoming: { item: Item; part: Part }[] = []
  let rings: Strand[] = []
  const warm = new Map<string, Strand>()
  const duckers = new Map<string, { next: ReturnType<typeof createDucker>['next']; seen: number }>()
  const missing = new Map<string, number>()
  const piece = new Int16Array(FRAME_SAMPLES * channels)
  const gains: Record<Layer, { from: number; to: number }> = {
    voice: { from: 1, to: 1 },
    bed: { from: 1, to: 1 },
    bell: { from: 1, to: 1 },
  }

  const openStrand = (item: Item, part: Part, at: number): Strand => {
    const entersAt = Math.max(part.start, at)
    const strand: Strand = { item, part, entersAt, isMidway: entersAt > part.start, missing: 0, reader: undefined! }
    strand.reader = createSoundReader({
      open,
      sound: part.sound,
      channels,
      startMs: msOf(entersAt - part.start),
      onOver: (message) => over(strand, message),
      onTitle: (title) => onTitle(strand.item, title),
      onWarning: (message) => onWarning(strand.item, message),
    })
    return strand
  }

  const over = (strand: Strand, message: string | undefined) => {
    const { item, part, reader, entersAt, missing: late } = strand
    if (item.span === '') return
    const hasSounded = reader.decoded() > 0
    const at = entersAt + late + reader.decoded()
    const natural = part.sound.durationMs === null ? null : part.start + samplesOf(part.sound.durationMs)
    if (natural === null || at - late < natural - SHORT_SAMPLES || !hasSounded)
      onShort(item, { at, hasSounded, message })
    else if (message) onWarning(item, message)
  }

  const stopOf = ({ part, missing: late }: Strand): number => {
    if (part.end === null) return Number.POSITIVE_INFINITY
    // What came late is heard to its end.
    return isNatural(part) ? part.end + late : part.end
  }

  const drop = (strand: Strand) => void strand.reader.close()

  const mixStrand = (strand: Strand, at: number, into: Float32Array, duck: { from: number; to: number }) => {
    const { part, reader } = strand
    const from = Math.max(0, strand.entersAt - at)
    const to = Math.min(FRAME_SAMPLES, stopOf(strand) - at)
    const wanted = to - from
    if (wanted <= 0) return
    const got = reader.take(piece, wanted)
    if (got < wanted && (reader.state === 'opening' || reader.state === 'reading')) noteMissing(strand, wanted - got)
    if (got === 0) return
    const base = gainOfDb(part.sound.gainDb)
    const layer = gains[part.sound.layer]
    const first = base * layer.from * duck.from
    const last = base * layer.to * duck.to
    const late = isNatural(part) ? strand.missing : 0
    const time = at + from - late
    const offset = from * channels
    const isFresh = strand.isMidway && at + from < strand.entersAt + DECLICK_SAMPLES
    if (first === last && !isFresh && isSteady(part, time, time + got)) {
      for (let i = 0; i < got * channels; i++) into[offset + i]! += piece[i]! * first
      return
    }
    for (let i = 0; i < got; i++) {
      let gain = (first + ((last - first) * (from + i)) / FRAME_SAMPLES) * fadeAt(part, time + i)
      if (isFresh) gain *= Math.min(1, (at + from + i - strand.entersAt) / DECLICK_SAMPLES)
      for (let channel = 0; channel < channels; channel++)
        into[offset + i * channels + channel]! += piece[i * channels + channel]! * gain
    }
  }

  const noteMissing = (strand: Strand, count: number) => {
    if (strand.missing === 0 && strand.part.sound.durationMs !== null)
      onWarning(strand.item, `${nameOf(strand.part.sound)} comes late: it could not be read in time.`)
    strand.missing += count
    missing.set(strand.item.key, (missing.get(strand.item.key) ?? 0) + count)
  }

  const duckOf = (strand: Strand, at: number, sounding: { voice: boolean; speakers: boolean }) => {
    if (!strand.part.duck) return STILL
    const known = duckers.get(strand.item.span)
    const ducker = known ?? { next: createDucker(strand.part.duck).next, seen: Number.NaN }
    duckers.set(strand.item.span, ducker)
    // Two rounds of one bed share what one frame brings.
    if (ducker.seen === at) return lastDuck.get(strand.item.span)!
    const { from, to } = ducker.next(sounding, !known)
    ducker.seen = at
    const duck = { from: gainOfDb(from), to: gainOfDb(to) }
    lastDuck.set(strand.item.span, duck)
    return duck
  }
  const lastDuck = new Map<string, { from: number; to: number }>()

  /** What was opened for a change that was about to be made. */
  const warmed = (item: Item, part: Part, at: number): Strand | undefined => {
    const strand = warm.get(part.key)
    if (!strand) return undefined
    warm.delete(part.key)
    return Object.assign(strand, { item, part, entersAt: Math.max(part.start, at) })
  }

  const due = (at: number) => {
    const isReady = ({ part }: { part: Part }) => part.start < at + PREFETCH_SAMPLES
    if (!upcoming.some(isReady)) return
    const ready = upcoming.filter(isReady)
    upcoming = upcoming.filter((waiting) => !ready.includes(waiting))
    for (const { item, part } of ready) strands.set(part.key, warmed(item, part, at) ?? openStrand(item, part, at))
  }

  /** Of what sounds in the next `count` samples, what is not decoded yet; asked for each frame, so it makes nothing where all is. */
  const lateAt = (at: number, count: number): Strand[] | undefined => {
    let late: Strand[] | undefined
    for (const strand of strands.values()) {
      const { state } = strand.reader
      if (state === 'drained' || state === 'failed' || strand.reader.available() >= count) continue
      if (strand.entersAt >= at + count || stopOf(strand) <= at) continue
      late ??= []
      late.push(strand)
    }
    return late
  }

  const isVoiceAt = (at: number): boolean => {
    for (const strand of strands.values())
      if (strand.part.sound.layer === 'voice' && strand.entersAt < at + FRAME_SAMPLES && stopOf(strand) > at)
        return true
    return false
  }

  return {
    /** What sounds from `at` on. What sounds already goes on as it is laid out now; what is not laid out any more fades out. */
    lay: (items: readonly Item[], at: number, how: { isFresh: boolean; keepsOrphans: boolean }) => {
      const laid = new Map(items.flatMap((item) => item.parts.map((part) => [part.key, { item, part }])))
      for (const [key, strand] of strands) {
        const found = laid.get(key)
        if (found)
          Object.assign(strand, found, strand.entersAt >= at ? { entersAt: Math.max(at, found.part.start) } : {})
        else if (strand.entersAt >= at) {
          drop(strand)
          strands.delete(key)
        } else if (!how.keepsOrphans || strand.part.sound.layer === 'bed') {
          const end = Math.min(stopOf(strand), at + DECLICK_SAMPLES)
          strand.part = { ...strand.part, end, fadeOut: Math.max(strand.part.fadeOut, DECLICK_SAMPLES) }
        }
      }
      upcoming = [...laid.values()].filter(
        ({ part }) =>
          !strands.has(part.key) && (part.start >= at || (how.isFresh && (part.end === null || part.end > at))),
      )
      due(at)
    },
    /** Opens what is due soon. */
    prefetch: due,
    /** Opens what would begin at `at` if it were laid out like this; resolves when it can sound. */
    warm: (items: readonly Item[], at: number): Promise<unknown> => {
      for (const item of items)
        for (const part of item.parts)
          if (part.start === at && !strands.has(part.key)) warm.set(part.key, openStrand(item, part, at))
      return Promise.all([...warm.values()].map(({ reader }) => reader.whenReady(FRAME_SAMPLES)))
    },
    /** Closes what was opened in vain. */
    cool: () => {
      for (const strand of warm.values()) drop(strand)
      warm.clear()
    },
    /** Adds up what sounds in the frame that begins at `at`. */
    mix: (at: number, into: Float32Array, levels: Record<Layer, number>, isSpeaking: boolean) => {
      into.fill(0)
      if (strands.size === 0 && rings.length === 0) return
      for (const layer of LAYERS) {
        gains[layer].from = gains[layer].to
        gains[layer].to = levels[layer]
      }
      const sounding = { voice: isVoiceAt(at), speakers: isSpeaking }
      for (const [key, strand] of strands) {
        if (strand.entersAt < at + FRAME_SAMPLES) mixStrand(strand, at, into, duckOf(strand, at, sounding))
        if (!isSpent(strand, at)) continue
        drop(strand)
        strands.delete(key)
      }
      for (const ring of rings) mixStrand(ring, at, into, STILL)
      if (rings.length > 0) rings = rings.filter((ring) => !isSpent(ring, at) || drop(ring))
    },
    /** Resolves when all that sounds in the next `count` samples is decoded; undefined when it is. */
    ready: (at: number, count: number): Promise<unknown> | undefined => {
      const late = lateAt(at, count)
      return late && Promise.all(late.map(({ reader }) => reader.whenReady(count)))
    },
    /** Levels as they are from the start, not gone over to. */
    setLevels: (levels: Record<Layer, number>) => {
      for (const layer of LAYERS) gains[layer] = { from: levels[layer], to: levels[layer] }
    },
    /** Sounds at once, at `at()` when it is decoded, whatever else does. */
    ring: async (sound: PlannedSound, at: () => number) => {
      const part: Part = { key: sound.id, sound, start: 0, end: null, fadeIn: 0, fadeOut: 0, around: null, duck: null }
      const item = { ...NOBODYS, key: sound.id, cue: sound.cue, parts: [part] }
      const ring = openStrand(item, part, 0)
      await ring.reader.whenReady(FRAME_SAMPLES)
      if (ring.reader.state === 'failed') return
      const start = at()
      ring.entersAt = start
      ring.part = { ...part, start }
      rings.push(ring)
    },
    /** Samples of an item that were not there when they were due; forgets them. */
    missed: (key: string): number => {
      const count = missing.get(key) ?? 0
      missing.delete(key)
      return count
    },
    close: async () => {
      const all = [...strands.values(), ...rings, ...warm.values()]
      strands = new Map()
      rings = []
      upcoming = []
      await Promise.all(all.map(({ reader }) => reader.close()))
    },
  }

  function isSpent(strand: Strand, at: number) {
    const { reader } = strand
    if (stopOf(strand) <= at + FRAME_SAMPLES) return true
    const isOver = reader.state === 'drained' || reader.state === 'failed'
    return isOver && reader.available() === 0 && strand.entersAt < at + FRAME_SAMPLES
  }
}

const LAYERS = ['voice', 'bed', 'bell'] as const
const STILL = { from: 1, to: 1 }
const NOBODYS = {
  span: '',
  kind: 'sound' as const,
  layer: 'bell' as const,
  title: null,
  artist: null,
  start: 0,
  end: null,
  ordinal: 0,
  isLast: true,
  floor: null,
}

const isNatural = ({ sound, start, end }: Part) =>
  sound.durationMs !== null && end !== null && end === start + samplesOf(sound.durationMs)

const nameOf = ({ source, title }: PlannedSound): string => {
  if (source.kind === 'item' && 'path' in source.item) return source.item.path
  if (source.kind === 'item' && 'url' in source.item) return source.item.url
  return title ?? (source.kind === 'speech' ? `"${source.text}"` : 'the bell')
}
