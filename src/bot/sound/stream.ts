import { openDecodedStream } from '../../audio/files/decode-stream.ts'
import type { AudioTags } from '../../audio/files/tags.ts'
import type { Channels } from '../../audio/frame.ts'
import type { OpenSound } from '../program/contract.ts'
import { readDistant } from './distant-file.ts'
import { followLive } from './live.ts'
import { openStation, type Station, type StationOptions } from './station.ts'
import { createTold } from './told.ts'

export type StreamOptions = {
  url: string
  /** Its own unless said. */
  channels?: Channels
  proxy?: StationOptions['proxy']
  /** Of a file only: a station plays what it plays now. */
  startMs?: number
}

/** One connection whose first sound has come. */
export type OpenedStream = {
  station: Station
  channels: Channels
  pcm: AsyncGenerator<Int16Array>
}
export type OpenStreamAgain = () => Promise<OpenedStream>
/** Where titles go as they come. */
export type TitleSink = { heard(tags: AudioTags): void }

/** Sound must come of what comes. */
const FIRST_SOUND_WITHIN_MS = 8_000

/**
 * Opens an http stream (Icecast, SHOUTcast, or a file). A station comes at its own clock, which is evened out; when it
 * breaks off or says nothing for 5 s there is silence, one warning, and it is asked again until it is closed. A file
 * that breaks off goes on where it was. Throws a sentence where there is nothing to hear at first.
 */
export const openStream = async (
  options: StreamOptions,
): Promise<OpenSound & { channels: Channels; station: Station }> => {
  const closing = new AbortController()
  const told = createTold()
  const sink: TitleSink = { heard: told.title }
  const open: OpenStreamAgain = () => openOnce(options, (tags) => sink.heard(tags), closing.signal)
  const first = await open()
  const { url, startMs = 0 } = options
  const { channels } = first
  const common = { url, channels, first, open, told, signal: closing.signal }
  return {
    station: first.station,
    channels,
    pcm: first.station.isLive ? followLive({ ...common, sink }) : () => readDistant({ ...common, startMs }),
    onTitle: told.onTitle,
    onWarning: told.onWarning,
    warning: () => undefined,
    close: async () => closing.abort(),
  }
}

const openOnce = async (
  { url, channels, proxy }: StreamOptions,
  onTags: (tags: AudioTags) => void,
  closing: AbortSignal,
): Promise<OpenedStream> => {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(tooLate(url)), FIRST_SOUND_WITHIN_MS)
  const signal = AbortSignal.any([closing, late.signal])
  let station: Station | undefined
  try {
    station = await openStation(url, { proxy, signal, onTitle: onTags })
    const { pcm, ...decoded } = await openDecodedStream(station.bytes, { name: url, channels, onTags })
    const pieces = pcm()
    const first = await pieces.next()
    if (first.done) throw Object.assign(new Error(`${url} has no sound in it.`), { code: 'not-audio' })
    return { station, channels: decoded.channels, pcm: withFirst(first.value, pieces) }
  } catch (error) {
    station?.close()
    throw late.signal.aborted ? late.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

async function* withFirst(first: Int16Array, rest: AsyncGenerator<Int16Array>): AsyncGenerator<Int16Array> {
  yield first
  yield* rest
}

const tooLate = (url: string) =>
  Object.assign(new Error(`${url} gave no sound within ${FIRST_SOUND_WITHIN_MS / 1000} s.`), { code: 'unreachable' })
