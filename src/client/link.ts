import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type AddressInfo, isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { seedFor } from './link-impairment.ts'
import { type DirectionCounts, type LinkProfile, noCounts, type Relay, startRelay } from './link-relay.ts'
import { rewriteRequest, rewriteResponse, type SignalCounts } from './link-signal.ts'

/**
 * A bad network in front of any LiveKit server, for any LiveKit client: who joins by `url` instead of the server's own
 * sends and receives all sound through here, and has no way around.
 */
export type Link = {
  /** Stands for the media server's URL: signalling and HTTP pass, sound meets the profile. */
  readonly url: string
  counts(): LinkCounts
  /** From the next datagram on. */
  set(profile: LinkProfile): void
  /** Cuts all connections. */
  close(): Promise<void>
}

type LinkCounts = SignalCounts & {
  /** Signal connections so far, those that came back included. */
  participants: number
  up: DirectionCounts
  down: DirectionCounts
}

export type LinkOptions = {
  /** The media server, `ws:` or `wss:` (or `http:`, `https:`). */
  url: string
  /** An integer. With one seed the datagrams of one identity, by their number in each direction, meet the same chances. */
  seed: number
  profile?: LinkProfile
  /** Where participants reach the link: signalling and sound. */
  address?: string
}

const NO_ANSWER = 'the media server behind the link does not answer'
/** A client whose signal connection broke may resume with the sound's way as it is. */
const RESUME_MS = 30_000

/** Throws what listening throws. A media server that is not there is told to each participant by itself. */
export const startLink = async ({ url, seed, profile = {}, address = '127.0.0.1' }: LinkOptions): Promise<Link> => {
  const target = new URL(url.replace(/^ws/, 'http'))
  const counts: LinkCounts = {
    participants: 0,
    mapped: 0,
    withheldLocal: 0,
    withheldRemote: 0,
    up: noCounts(),
    down: noCounts(),
  }
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const open = new Set<() => void>()
  const tcp = new Set<Duplex>()
  const visits = new Map<string, number>()
  const road = createRoad(profile)

  const relayFor = (identity: string): Relay => {
    const visit = (visits.get(identity) ?? 0) + 1
    visits.set(identity, visit)
    return startRelay({ address, seed: seedFor(seed, `${identity} ${visit}`), profile: road.profile, counts })
  }
  const connect = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const upstream = new WebSocket(addressOf(target, request).href.replace(/^http/, 'ws'), {
      perMessageDeflate: false,
      headers: request.headers.authorization ? { authorization: request.headers.authorization } : {},
    })
    const giveUp = (): void => upstream.terminate()
    socket.once('close', giveUp)
    upstream.on('error', () => refuse(socket, '502 Bad Gateway', NO_ANSWER))
    upstream.on('unexpected-response', (_request, answer) => {
      const status = `${answer.statusCode} ${answer.statusMessage}`
      void textOf(answer).then((text) => refuse(socket, status, text), giveUp)
    })
    upstream.once('open', () =>
      sockets.handleUpgrade(request, socket, head, (client) => {
        socket.off('close', giveUp)
        counts.participants += 1
        const relay = relayFor(identityOf(target, request))
        const end = joinSockets({ client, upstream, relay, road, address, counts, onEnd: () => open.delete(end) })
        open.add(end)
      }),
    )
  }

  const http = createServer((request, response) => {
    if (isOnePeerConnection(request)) response.writeHead(404).end('not found')
    else void road.isOpen().then(() => passOn(target, request, response))
  })
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    socket.once('close', () => tcp.delete(socket))
    tcp.add(socket)
    if (isOnePeerConnection(request)) refuse(socket, '404 Not Found', 'not found')
    else void road.isOpen().then(() => socket.destroyed || connect(request, socket, head))
  })
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(0, address, resolve)
  })
  const host = isIPv6(address) ? `[${address}]` : address
  return {
    url: `ws://${host}:${(http.address() as AddressInfo).port}`,
    counts: () => structuredClone(counts),
    set: road.set,
    close: async () => {
      for (const end of [...open]) end()
      for (const socket of tcp) socket.destroy()
      road.set({})
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

/** The profile in force, and the wait for the end of an outage: TCP loses nothing, it comes later. */
type Road = { profile(): LinkProfile; set(profile: LinkProfile): void; isOpen(): Promise<void> }

const createRoad = (first: LinkProfile): Road => {
  let current = first
  let waiting: (() => void)[] = []
  const isCut = (): boolean => (current.up?.outage || current.down?.outage) ?? false
  return {
    profile: () => current,
    set: (next) => {
      current = next
      if (isCut()) return
      for (const resume of waiting) resume()
      waiting = []
    },
    isOpen: () => (isCut() ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
  }
}

/** Codes that say what happened and may not be sent (RFC 6455, section 7.4.1). */
const UNSENDABLE = [1005, 1006, 1015]

type Pair = {
  client: WebSocket
  upstream: WebSocket
  relay: Relay
  road: Road
  address: string
  counts: SignalCounts
  onEnd(): void
}

/** Messages go over one after the other in each direction, whatever it takes to rewrite one. */
const joinSockets = ({ client, upstream, relay, road, address, counts, onEnd }: Pair): (() => void) => {
  const end = (): void => {
    relay.close()
    client.terminate()
    upstream.terminate()
    onEnd()
  }
  const carry = (
    from: WebSocket,
    to: WebSocket,
    rewrite: (bytes: Uint8Array) => Promise<Uint8Array | undefined>,
  ): void => {
    let turn = Promise.resolve()
    const pass = async (data: Buffer, isBinary: boolean): Promise<void> => {
      await road.isOpen()
      // Text would be LiveKit's JSON form of signalling: what cannot be rewritten must not pass.
      const bytes = isBinary ? await rewrite(data) : undefined
      if (!isBinary) end()
      else if (bytes && to.readyState === WebSocket.OPEN) to.send(bytes)
    }
    from.on('message', (data, isBinary) => {
      turn = turn.then(() => pass(data as Buffer, isBinary)).catch(end)
    })
    from.on('error', () => {})
    from.on('close', (code, reason) => {
      // What came before the end still goes over.
      void turn.then(() => {
        setTimeout(end, RESUME_MS).unref()
        if (UNSENDABLE.includes(code)) to.terminate()
        else to.close(code, reason)
      })
    })
  }
  carry(client, upstream, async (bytes) => rewriteRequest(bytes, counts))
  carry(upstream, client, (bytes) => rewriteResponse(bytes, { address, portFor: relay.portFor, counts }))
  return end
}

/** LiveKit's newer join carries an offer in its query; a client that is told 404 uses `/rtc`, whose offers can be rewritten. */
const isOnePeerConnection = ({ url = '/' }: IncomingMessage): boolean => /\/rtc\/v\d/.test(url)

const addressOf = (target: URL, { url = '/' }: IncomingMessage): URL =>
  new URL(`${target.origin}${target.pathname.replace(/\/$/, '')}${url}`)

/** Who the token says it is, unverified: it chooses a seed, no more. */
const identityOf = (target: URL, request: IncomingMessage): string => {
  const inQuery = addressOf(target, request).searchParams.get('access_token')
  const token = request.headers.authorization?.replace(/^Bearer\s+/i, '') ?? inQuery ?? ''
  try {
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub?: unknown }
    return String(sub)
  } catch {
    return ''
  }
}

const passOn = (target: URL, request: IncomingMessage, response: ServerResponse): void => {
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest
  const options = { method: request.method, headers: { ...request.headers, host: target.host } }
  const onward = send(addressOf(target, request), options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => {
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end(NO_ANSWER)
  })
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

const refuse = (socket: Duplex, status: string, text: string): void => {
  if (socket.writable)
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    )
}

const textOf = async (answer: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
