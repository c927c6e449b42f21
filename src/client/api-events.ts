import { setTimeout as sleep } from 'node:timers/promises'
import { hallwayEventSchema, type RoomEvent, roomEventSchema } from '../protocol/events.ts'
import { parseClean } from '../protocol/text.ts'

export type SubscribeOptions = {
  /** A room one is in; without it the hallway, whose events are a part of a room's. */
  roomId?: string
  /** Which of one's seats there it is for: a bot may have several. */
  seatId?: string
  /** Where to begin: the `eventCursor` of an answer. */
  cursor: string
  /** One change and the cursor after it. */
  onEvent(event: RoomEvent, cursor: string): void
  /** `lost` with an error of a code in `finalCodes` is the end; after any other it connects again by itself. */
  onStatus?(status: 'open' | 'lost', cause?: Error): void
}

export type Subscription = { close(): void }

type OpenStream = (
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
) => Promise<AsyncIterable<Uint8Array> & { destroy(): unknown }>

/** Answers after which asking again is of no use. */
const finalCodes = [
  'sign-in-needed',
  'not-in-room',
  'not-found',
  'not-allowed',
  'kicked',
  'seat-replaced',
  'room-ended',
]

const SILENCE_MS = 25_000
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000
const MAX_BUFFERED_CHARACTERS = 4 * 1024 * 1024

/**
 * Follows server-sent events (WHATWG HTML 9.2). A stream that breaks, or says nothing for 25 s (the server comments
 * every 10), is opened again after the last event seen, so that nothing is missed or doubled.
 */
export const startSubscription = (
  { roomId, seatId, cursor: first, onEvent, onStatus }: SubscribeOptions,
  open: OpenStream,
): Subscription => {
  const closing = new AbortController()
  const schema = roomId ? roomEventSchema : hallwayEventSchema
  const query = new URLSearchParams({ ...(roomId && { room: roomId }), ...(seatId && { seat: seatId }) }).toString()
  const path = query ? `/api/events?${query}` : '/api/events'
  let cursor = first

  const follow = async (onOpen: () => void) => {
    const silence = startSilenceWatch(closing.signal)
    try {
      const headers = { accept: 'text/event-stream', 'last-event-id': cursor }
      const stream = await open(path, headers, silence.signal)
      onOpen()
      onStatus?.('open')
      for await (const { id, event, data } of parseEvents(stream, silence.heard)) {
        if (closing.signal.aborted) return
        if (id !== undefined) cursor = id
        const parsed = schema.safeParse({ ...(readData(data) as object), type: event })
        // An event of a newer server that this version does not know is passed over.
        if (parsed.success) onEvent(parsed.data, cursor)
      }
      throw new Error('the server ended the stream of events')
    } finally {
      silence.close()
    }
  }

  const run = async () => {
    let attempt = 0
    while (!closing.signal.aborted) {
      try {
        await follow(() => {
          attempt = 0
        })
      } catch (error) {
        if (closing.signal.aborted) return
        onStatus?.('lost', error as Error)
        if (finalCodes.includes((error as { code?: string }).code ?? '')) return
      }
      const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt++) * (0.75 + Math.random() / 2)
      await sleep(delayMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  void run()
  return { close: () => closing.abort() }
}

const startSilenceWatch = (closing: AbortSignal) => {
  const controller = new AbortController()
  const abort = () => controller.abort(new Error('the stream of events fell silent'))
  const timer = setTimeout(abort, SILENCE_MS)
  timer.unref()
  closing.addEventListener('abort', abort)
  return {
    signal: controller.signal,
    heard: () => timer.refresh(),
    close: () => {
      clearTimeout(timer)
      closing.removeEventListener('abort', abort)
    },
  }
}

type ServerSentEvent = { id?: string; event: string; data: string }

/** Splits a byte stream into events; comments and unknown fields are passed over. */
export const parseEvents = async function* (
  stream: AsyncIterable<Uint8Array>,
  onBytes: () => void = () => {},
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  let buffered = ''
  let current: { id?: string; event?: string; data: string[] } = { data: [] }
  for await (const chunk of stream) {
    onBytes()
    buffered += decoder.decode(chunk, { stream: true })
    if (buffered.length > MAX_BUFFERED_CHARACTERS) throw new Error('an event of the server has no end')
    const lines = buffered.split(/\r\n|\n/)
    buffered = lines.pop()!
    for (const line of lines) {
      if (line !== '') {
        addField(current, line)
        continue
      }
      if (current.event !== undefined || current.data.length > 0)
        yield { id: current.id, event: current.event ?? 'message', data: current.data.join('\n') }
      current = { data: [] }
    }
  }
}

const addField = (event: { id?: string; event?: string; data: string[] }, line: string) => {
  const colon = line.indexOf(':')
  if (colon <= 0) return
  const name = line.slice(0, colon)
  const value = line.slice(colon + 1).replace(/^ /, '')
  if (name === 'id') event.id = value
  else if (name === 'event') event.event = value
  else if (name === 'data') event.data.push(value)
}

const readData = (data: string): unknown => {
  try {
    return parseClean(data)
  } catch {
    return {}
  }
}
