import { setTimeout as sleep } from 'node:timers/promises'
import { createDriftBuffer } from '../../audio/drift-buffer.ts'
import { openDecodedStream } from '../../audio/files/decode-stream.ts'
import type { AudioTags } from '../../audio/files/tags.ts'
import { type Channels, FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE } from '../../audio/frame.ts'
import type { OpenSound } from '../program/contract.ts'
import { openStation, type Station, type StationOptions } from './station.ts'
import { cleanTitle } from './title.ts'

export type StreamOptions = {
  url: string
  channels: Channels
  proxy?: StationOptions['proxy']
  /** Of a file only: a station plays what it plays now. */
  startMs?: number
}

/** Sound must come of what comes. */
const FIRST_SOUND_WITHIN_MS = 8_000

/**
 * Opens an http stream (Icecast, SHOUTcast, or a file). A station comes at its own clock, which is evened out; when it
 * breaks off or says nothing for 5 s there is silence, one warning, and it is asked again until it is closed. A file
 * that breaks off goes on where it was. Throws a sentence where there is nothing to hear at first.
 */
export const openStream = async (options: StreamOptions): Promise<OpenSound & { name: string }> => {
  const closing = new AbortController()
  const told = createTold()
  const open = (onTags: (tags: AudioTags) => void) => openOnce(options, onTags, closing.signal)
  const live = createLiveBuffer(options.channels, told.title)
  const first = await open(live.titled).catch((error) => {
    closing.abort()
    throw error
  })
  const { station } = first
  const giving = station.isLive
    ? followStation({ first, live, open, warn: told.warn, signal: closing.signal })
    : readFarFile({ first, open, startMs: options.startMs ?? 0, channels: options.channels, signal: closing.signal })
  return {
    name: station.name,
    pcm: () => giving,
    onTitle: told.onTitle,
    onWarning: told.onWarning,
    warning: () => undefined,
    close: async () => closing.abort(),
  }
}

/** What is told before anybody listens is told when somebody does. */
const createTold = () => {
  let titled: ((title: { title: string; artist: string | null }) => void) | undefined
}

type Opened = {
  station: Station
  channels: Channels
  /** Its first sound has come. */
  pcm: AsyncGenerator<Int16Array>
  close(): Promise<void>
}

const openOnce = async (
  { url, channels, proxy }: StreamOptions,
  onTags: (tags: AudioTags) => void,
  closing: AbortSignal,
): Promise<Opened> => {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(tooSlow(url)), FIRST_SOUND_WITHIN_MS)
  const signal = AbortSignal.any([closing, limit.signal])
  const station = await openStation(url, { proxy, signal, onTitle: onTags }).catch((error) => {
    clearTimeout(timer)
    throw limit.signal.aborted ? limit.signal.reason : error
  })
  try {
    const decoded = await openDecodedStream(station.bytes, { name: url, channels, onTags })
    const pcm = decoded.pcm()
    const piece = await pcm.next()
    if (piece.done) throw Object.assign(new Error(`${url} has no sound in it.`), { code: 'not-audio' })
    return { station, channels, pcm: withFirst(piece.value, pcm), close: async () => station.close() }
  } catch (error) {
    station.close()
    throw limit.signal.aborted ? limit.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

async function* withFirst(first: Int16Array, rest: AsyncGenerator<Int16Array>): AsyncGenerator<Int16Array> {
  yield first
  yield* rest
}

const tooSlow = (url: string) =>
  Object.assign(new Error(`${url} gave no sound within ${FIRST_SOUND_WITHIN_MS / 1000} s.`), { code: 'unreachable' })
