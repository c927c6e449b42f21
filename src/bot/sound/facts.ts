import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Channels } from '../../audio/frame.ts'
import { gainFor } from '../../audio/loudness.ts'
import type { PlannedSound } from '../program/contract.ts'
import { createDiskCache } from './disk-cache.ts'
import type { Measured } from './measure.ts'
import { titleOfPath } from './title.ts'

/** What is known of a sound before it is played. */
export type SoundFacts = {
  /** Null: a stream, or standard input. */
  durationMs: number | null
  channels: Channels
  /** Null where it was not measured, or is silence. */
  lufs: number | null
  truePeakDb: number | null
  title: string | null
  artist: string | null
  /** What is wrong with it though it can be played, in one sentence. */
  warning: string | null
}

/** EBU R128 targets by what a sound is for. */
export const TARGETS_LUFS: Record<PlannedSound['layer'], number> = { voice: -18, bell: -18, bed: -32 }
const MAX_PEAK_DB = -1.5

/**
 * The fixed gain that brings a sound to the loudness of its layer in a program of so many channels (EBU R128): -18 LUFS,
 * a bed -32, no peak above -1.5 dBTP. 0 dB where it was not measured.
 */
export const gainDbOf = (
  { lufs, truePeakDb, channels }: Pick<SoundFacts, 'lufs' | 'truePeakDb' | 'channels'>,
  { layer, channels: heard }: { layer: PlannedSound['layer']; channels: Channels },
): number => {
  if (lufs === null || truePeakDb === null) return 0
  // One channel that sounds on both sides is louder by 3 LU than it measures alone (BS.1770 sums the channels' powers).
  const integratedLufs = lufs + (heard > channels ? 10 * Math.log10(2) : 0)
  return gainFor({ integratedLufs, truePeakDb }, { targetLufs: TARGETS_LUFS[layer], maxPeakDb: MAX_PEAK_DB })
}

const MAX_CACHE_BYTES = 8 * 1024 * 1024
/** Told apart from what another version wrote. */
const VERSION = 1

type Kept = Measured & { version: number; path: string }

export type FileFactsOptions = {
  cacheFolder: string
  measure(path: string): Promise<Measured>
}

/**
 * Facts of files, each measured once: kept on disk by path, size and time, and by content, so that neither a copy nor a
 * file with a new date is measured again. A cache that cannot be read or written costs time, nothing else.
 */
export const createFileFacts = ({ cacheFolder, measure }: FileFactsOptions) => {
  const cache = createDiskCache({ folder: cacheFolder, suffix: '.json', maxBytes: MAX_CACHE_BYTES })
  const known = new Map<string, Promise<SoundFacts>>()

  const read = async (key: string): Promise<Kept | undefined> => parseKept(await cache.read(key))
  const write = (key: string, kept: Kept) => cache.write(key, JSON.stringify(kept)).catch(() => {})

  const look = async (path: string, key: string): Promise<SoundFacts> => {
    const kept = await read(key)
    if (kept) return factsOf(kept, path)
    const content = await contentKey(path)
    const sameContent = content && (await read(content))
    const fresh: Kept = sameContent ? sameContent : { ...(await measure(path)), version: VERSION, path }
    await write(key, fresh)
    if (content && !sameContent) await write(content, fresh)
    return factsOf(fresh, path)
  }

  return {
    /** Throws `not-found`, `not-readable`, `not-audio`, each with a sentence. */
    of: async (path: string): Promise<SoundFacts> => {
      const stats = await stat(path, { bigint: true }).catch(() => undefined)
      // What is not there is told by whoever opens it.
      const key = `${path}\0${stats?.size}\0${stats?.mtimeNs}`
      const asked = known.get(key) ?? look(path, key)
      known.set(key, asked)
      asked.catch(() => known.delete(key))
      return asked
    },
  }
}

const contentKey = async (path: string): Promise<string | undefined> => {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk)
  } catch {
    return undefined
  }
  return `content\0${hash.digest('hex')}`
}

const factsOf = ({ path: measured, ...kept }: Kept, path: string): SoundFacts => ({
  durationMs: kept.durationMs,
  channels: kept.channels,
  lufs: kept.lufs,
  truePeakDb: kept.truePeakDb,
  title: kept.title ?? titleOfPath(path),
  artist: kept.artist,
  warning: kept.warning?.replaceAll(measured, path) ?? null,
})

const parseKept = (bytes: Buffer | undefined): Kept | undefined => {
  if (!bytes) return undefined
  try {
    const kept = JSON.parse(bytes.toString()) as Kept
    const isWhole =
      kept.version === VERSION &&
      typeof kept.path === 'string' &&
      Number.isFinite(kept.durationMs) &&
      (kept.channels === 1 || kept.channels === 2) &&
      [kept.lufs, kept.truePeakDb].every((value) => value === null || Number.isFinite(value)) &&
      [kept.title, kept.artist, kept.warning].every((value) => value === null || typeof value === 'string')
    return isWhole ? kept : undefined
  } catch {
    return undefined
  }
}
