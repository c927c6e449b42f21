import { createLoudnessMeter } from '../../audio/loudness.ts'
import { createDiskCache } from './disk-cache.ts'
import type { SoundFacts } from './facts.ts'
import { openStream, type StreamOptions } from './stream.ts'
import { cleanTitle } from './title.ts'

type Kept = Pick<SoundFacts, 'lufs' | 'truePeakDb'> & { url: string; atMs: number }

const MAX_CACHE_BYTES = 1024 * 1024
/** So much of a stream tells how loud it is; most stations send it at once. */
const MEASURED_MS = 10_000
const MEASURE_WITHIN_MS = 3_000
/** Less than this tells nothing. */
const LEAST_MS = 1_500
const FRESH_FOR_MS = 7 * 24 * 3_600_000

/**
 * Asks an address what there is to hear, and measures its loudness by what comes in the first three seconds; that is
 * kept for a week, after which, or if it is not known, it is measured again. Throws as `openStream` does.
 */
export const createStreamFacts = ({ cacheFolder, proxy }: { cacheFolder: string; proxy: StreamOptions['proxy'] }) => {
  const cache = createDiskCache({ folder: cacheFolder, suffix: '.url.json', maxBytes: MAX_CACHE_BYTES })
  return {
    of: async (url: string): Promise<SoundFacts> => {
      const kept = parseKept(await cache.read(url), url)
      const opened = await openStream({ url, proxy })
      try {
        const { station, channels } = opened
        const title = cleanTitle(station.name)
        const known = kept ?? (await measureStart(opened))
        if (!kept && known.lufs !== null)
          await cache.write(url, JSON.stringify({ ...known, url, atMs: Date.now() } satisfies Kept)).catch(() => {})
        const { lufs, truePeakDb } = known
        return { durationMs: null, channels, lufs, truePeakDb, title, artist: null, warning: null }
      } finally {
        await opened.close()
      }
    },
  }
}

const measureStart = async ({ pcm, channels }: Awaited<ReturnType<typeof openStream>>) => {
  const meter = createLoudnessMeter({ channels })
  const untilMs = performance.now() + MEASURE_WITHIN_MS
  let heardMs = 0
  for await (const piece of pcm()) {
    meter.push(piece)
    heardMs += piece.length / channels / 48
    if (heardMs >= MEASURED_MS || performance.now() > untilMs) break
  }
  const { integratedLufs, truePeakDb } = meter.result()
  if (heardMs < LEAST_MS || !Number.isFinite(integratedLufs)) return { lufs: null, truePeakDb: null }
  return { lufs: integratedLufs, truePeakDb }
}

const parseKept = (bytes: Buffer | undefined, url: string): Kept | undefined => {
  try {
    const kept = JSON.parse(String(bytes)) as Kept
    const isFresh = kept.url === url && Math.abs(Date.now() - kept.atMs) < FRESH_FOR_MS
    return isFresh && Number.isFinite(kept.lufs) && Number.isFinite(kept.truePeakDb) ? kept : undefined
  } catch {
    return undefined
  }
}
