import { basename } from 'node:path'
import type { AudioTags } from '../../audio/files/tags.ts'
import { type Download, type DownloadOptions, download } from '../../client/api-download.ts'
import { cleanLine } from '../../protocol/text.ts'
import { hlsBytes, isHls, isOnAir, patienceMs, streamOf } from './hls.ts'
import { withoutTitles } from './icy.ts'
import { decodeText, listEntries } from './lists.ts'

export type Station = {
  /** The sound's bytes, without titles; they throw where nothing came for `STALL_MS`. */
  bytes: AsyncIterable<Uint8Array>
  /** It comes at its own pace; else it is a file that somebody else keeps. */
  isLive: boolean
  /** It is meant to go on for ever: its end is a fault. */
  isEndless: boolean
  /** What it calls itself, or its address. */
  name: string
  close(): void
}

export type StationOptions = Pick<DownloadOptions, 'proxy' | 'signal'> & {
  onTitle(tags: AudioTags): void
}

const ANSWER_WITHIN_MS = 5_000
/** A stream from which nothing has come for so long is broken. */
const STALL_MS = 5_000
const MAX_LIST_BYTES = 65_536
const MAX_LISTS = 3

/**
 * Opens what an address gives to hear: a station or a file, also by an M3U or PLS list. Throws with a sentence:
 * `unreachable` (nothing answers, or not now), `not-found` (not there), `not-audio` (something else), `bad-input`.
 */
export const openStation = async (address: string, options: StationOptions, lists = 0): Promise<Station> => {
  const answer = await download(address, {
    ...options,
    withinMs: ANSWER_WITHIN_MS,
    headers: { 'icy-metadata': '1', accept: 'audio/*, application/ogg, */*;q=0.5' },
  })
  try {
    refuseFailure(address, answer)
    const type = (answer.header('content-type') ?? '').replace(/;.*/, '').trim().toLowerCase()
    if (/html/.test(type)) throw failure('not-audio', `${address} is a web page, not sound.`)
    if (isList(type, answer.url)) return await openListed(address, answer, options, lists)
    return stationOf(address, answer, options)
  } catch (error) {
    answer.close()
    throw error
  }
}

const refuseFailure = (address: string, { status }: Download) => {
  if (status === 200) return
  if (status === 404 || status === 410) throw failure('not-found', `There is nothing at ${address} (HTTP ${status}).`)
  if (status === 401 || status === 403) throw failure('not-found', `${address} is not open to us (HTTP ${status}).`)
  throw failure('unreachable', `${address} gives no sound now (HTTP ${status}).`)
}

const isList = (type: string, url: string) =>
  /mpegurl|scpls|pls\+xml/.test(type) ||
  (/^(text\/plain)?$/.test(type) && /\.(m3u8?|pls)$/i.test(new URL(url).pathname))

const openListed = async (address: string, answer: Download, options: StationOptions, lists: number) => {
  if (lists === MAX_LISTS) throw failure('not-audio', `${address} leads from list to list.`)
  const text = await readText(answer)
  const stream = isHls(text) ? streamOf(text) : undefined
  if (isHls(text) && stream === undefined) return hlsStation(answer.url, text, options)
  const listed = stream === undefined ? listEntries(text) : [stream]
  const entries = listed.flatMap((entry) => (URL.canParse(entry, answer.url) ? [new URL(entry, answer.url).href] : []))
  let refusal: unknown = failure('not-audio', `The list at ${address} names nothing to play.`)
  for (const entry of entries.filter((entry) => /^https?:/.test(entry)).slice(0, 8)) {
    try {
      return await openStation(entry, options, lists + 1)
    } catch (error) {
      options.signal.throwIfAborted()
      refusal = error
    }
  }
  throw refusal
}

const hlsStation = (url: string, list: string, { proxy, signal }: StationOptions): Station => {
  const closing = new AbortController()
  const close = () => closing.abort()
  const sound = hlsBytes(url, { proxy, signal: AbortSignal.any([signal, closing.signal]) })
  const isLive = isOnAir(list)
  const bytes = untilStall(sound, close, Math.max(STALL_MS, patienceMs(list)))
  return { bytes, isLive, isEndless: isLive, name: nameOf(url), close }
}

const readText = async ({ body, close }: Download): Promise<string> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of untilStall(body, close)) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_LIST_BYTES) break
  }
  close()
  return decodeText(Buffer.concat(chunks))
}

const stationOf = (address: string, answer: Download, { onTitle }: StationOptions): Station => {
  const { body, close } = answer
  const everyBytes = Number(answer.header('icy-metaint'))
  const sound = untilStall(body, close)
  const name = answer.header('icy-name')
  // Icecast and SHOUTcast say one of these.
  const isEndless = ['icy-metaint', 'icy-name', 'icy-br', 'ice-audio-info'].some((known) => answer.header(known))
  return {
    bytes: everyBytes > 0 ? withoutTitles(sound, everyBytes, onTitle) : sound,
    isLive: isEndless || answer.header('content-length') === undefined,
    isEndless,
    name: (name && cleanLine(decodeText(Buffer.from(name, 'latin1'))).slice(0, 120)) || nameOf(address),
    close,
  }
}

const nameOf = (address: string) => {
  const { host, pathname } = new URL(address)
  return cleanLine(safeDecode(basename(pathname)) || host)
}

const safeDecode = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Only the time counts in which we wait: what is not taken does not stall. */
async function* untilStall(
  body: AsyncIterable<Uint8Array>,
  close: () => void,
  stallMs = STALL_MS,
): AsyncGenerator<Uint8Array> {
  const source = body[Symbol.asyncIterator]()
  let timer: NodeJS.Timeout | undefined
  try {
    for (;;) {
      const stalled = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(failure('unreachable', `nothing came for ${stallMs / 1000} s`)), stallMs)
      })
      const next = await Promise.race([source.next(), stalled])
      clearTimeout(timer)
      if (next.done) return
      yield next.value
    }
  } finally {
    clearTimeout(timer)
    close()
  }
}

const failure = (code: string, message: string) => Object.assign(new Error(message), { code })
