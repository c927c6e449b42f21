import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { CreatedToken } from '../../../src/protocol/accounts.ts'
import type { Joined, Participant, Room } from '../../../src/protocol/rooms.ts'
import { eventually } from '../../support/eventually.ts'
import {
  API_KEY,
  API_SECRET,
  buildMediaServer,
  startTestMediaServer,
  type TestMediaServer,
} from '../../support/media-server.ts'
import { type Answer, call, type Phone, signIn } from '../../support/phones.ts'
import { closeStores, type TestServer } from '../../support/server.ts'

/** One media server for all the servers of a test file; it is there once the tests run. */
export const useMediaServer = () => {
  let media: TestMediaServer
  beforeAll(async () => {
    media = await startTestMediaServer({ entry: buildMediaServer() })
  })
  afterAll(async () => {
    await media?.close()
    await closeStores()
  })
  return () => ({ url: media.url, apiKey: API_KEY, apiSecret: API_SECRET })
}

let number = 0
/** A new account. */
export const guest = (server: TestServer, name: string): Promise<Phone> =>
  signIn(server, `+1415555${String(2_000 + ++number)}`, name)

/** A bot account of `owner`, called with its access token. */
export const botOf = async (
  server: TestServer,
  owner: Phone,
  name: string,
): Promise<Pick<Phone, 'fetch'> & { token: string }> => {
  const { token } = ok(await owner.fetch<CreatedToken>('POST', '/api/tokens', { name }), 201)
  return { token, fetch: (method, path, body) => call(server, method, path, body, token) }
}

export const ok = <T>({ status, body }: Answer<T>, wanted = 200): T => {
  if (status !== wanted) throw new Error(`${status} instead of ${wanted}: ${JSON.stringify(body)}`)
  return body
}
/** The error code of a refused call, or its status. */
export const refusal = ({ status, body }: Answer): string =>
  status < 400 ? String(status) : ((body as { code: string }).code ?? String(status))

export const openRoom = async (host: Phone, more: object = {}): Promise<Room> =>
  ok(await host.fetch<Room>('POST', '/api/rooms', { title: 'A talk', ...more }), 201)

export type Seat = {
  seatId: string
  joined: Joined
  /** A call of this seat, e.g. `hand`. */
  post(what: string, more?: object): Promise<Answer>
  /** A moderator's act. */
  stage(action: string, who: string): Promise<Answer>
  beat(isMuted?: boolean): Promise<Answer>
}

export const enter = async (
  phone: Pick<Phone, 'fetch'>,
  roomId: string,
  { seatId = randomUUID(), ...more }: { seatId?: string; name?: string; recording?: boolean } = {},
): Promise<Seat> => {
  const joined = ok(await phone.fetch<Joined>('POST', `/api/rooms/${roomId}/join`, { seatId, ...more }))
  return seatIn(phone, roomId, seatId, joined)
}

const seatIn = (phone: Pick<Phone, 'fetch'>, roomId: string, seatId: string, joined: Joined): Seat => ({
  seatId,
  joined,
  post: (what, rest = {}) => phone.fetch('POST', `/api/rooms/${roomId}/${what}`, { seatId, ...rest }),
  stage: (action, who) => phone.fetch('POST', `/api/rooms/${roomId}/participants/${who}/${action}`),
  beat: (isMuted = true) => phone.fetch('POST', `/api/rooms/${roomId}/heartbeat`, { seatId, isMuted }),
})

export const roster = async (phone: Pick<Phone, 'fetch'>, roomId: string): Promise<Participant[]> =>
  ok(await phone.fetch<{ participants: Participant[] }>('GET', `/api/rooms/${roomId}/participants`)).participants

type SseEvent = { id: number; type: string; data: Record<string, unknown> }
export type Stream = {
  events: SseEvent[]
  isEnded(): boolean
  /** The first event of a type, from now or before, that fits. */
  find(type: string, fits?: (data: SseEvent['data']) => boolean): Promise<SseEvent>
  close(): void
}

/** Subscribes as a client would; fails where the server refuses. */
export const subscribe = async (
  server: Pick<TestServer, 'url'>,
  token: string,
  query = '',
  lastEventId?: number | string,
): Promise<Stream> => {
  const abort = new AbortController()
  const response = await fetch(`${server.url}/api/events${query}`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId !== undefined && { 'last-event-id': String(lastEventId) }),
    },
    signal: abort.signal,
  })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  const events: SseEvent[] = []
  let isEnded = false
  void read(response.body!, events)
    .catch(() => {})
    .finally(() => {
      isEnded = true
    })
  return {
    events,
    isEnded: () => isEnded,
    find: (type, fits = () => true) =>
      eventually<SseEvent | undefined>(() => events.find((event) => event.type === type && fits(event.data)), {
        withinMs: 5_000,
        what: `an event ${type}; there were ${events.map((event) => event.type).join(', ')}`,
      }) as Promise<SseEvent>,
    close: () => abort.abort(),
  }
}

const read = async (body: ReadableStream<Uint8Array>, events: SseEvent[]): Promise<void> => {
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2)
      if (field('data'))
        events.push({ id: Number(field('id')), type: field('event')!, data: JSON.parse(field('data')!) })
    }
  }
}
