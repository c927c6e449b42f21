import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignalRequest, SignalResponse } from '@livekit/protocol'
import WebSocket, { type RawData, WebSocketServer } from 'ws'

/**
 * The line between one client and a media server, whatever the client: signal through a WebSocket proxy, media through a
 * UDP relay. The server's candidates are mapped to the relay and the client's withheld, so nothing goes another way.
 */
export type MediaLine = {
  /** Given to the client in the server's place. */
  readonly url: string
  /** What was asked over HTTP, with the answer: `/rtc/v1 404`, `/rtc 101`. */
  requests: string[]
  /** What the client said over signal, in order. */
  said: SignalRequest['message'][]
  /** Breaks every signal connection without a word; new ones are let through. */
  cutSignal(): void
  /** From now on what the client says takes that long to the server. */
  delaySignal(ms: number): void
  /** Drops every datagram either way, until mended. */
  cutMedia(): void
  mendMedia(): void
  /** Datagrams that went through so far. */
  relayed(): number
  close(): Promise<void>
}

export const startMediaLine = async (serverUrl: string): Promise<MediaLine> => {
  const requests: string[] = []
  const said: SignalRequest['message'][] = []
  const sockets = new Set<WebSocket>()
  const door = new WebSocketServer({ noServer: true })
  const media = await startRelay()
  const pace = { delayMs: 0 }
  const target = (req: IncomingMessage) => `${serverUrl}${req.url}`
  const note = (req: IncomingMessage, status: number) => requests.push(`${req.url!.split('?')[0]} ${status}`)
  const http = createServer(async (req, res) => {
    const answer = await fetch(target(req).replace(/^ws/, 'http'), { headers: headersOf(req) })
    note(req, answer.status)
    res.writeHead(answer.status, { 'access-control-allow-origin': '*' }).end(await answer.text())
  })
  http.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy())
    const upstream = new WebSocket(target(req), { headers: headersOf(req) })
    const early: RawData[] = []
    const keep = (data: RawData) => early.push(data)
    upstream.on('message', keep).on('error', () => socket.destroy())
    upstream.on('unexpected-response', async (_request, answer) => {
      note(req, answer.statusCode!)
      const body = Buffer.concat(await answer.toArray())
      socket.end(`HTTP/1.1 ${answer.statusCode} Refused\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    })
    upstream.once('open', () => {
      note(req, 101)
      door.handleUpgrade(req, socket, head, (client) => {
        join(client, upstream, media, said, pace)
        upstream.off('message', keep)
        for (const data of early) client.send(toClient(data, media))
        for (const one of [client, upstream]) sockets.add(one.on('close', () => sockets.delete(one)))
      })
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    said,
    cutSignal: () => {
      for (const socket of sockets) socket.terminate()
    },
    delaySignal: (ms) => {
      pace.delayMs = ms
    },
    cutMedia: () => media.open(false),
    mendMedia: () => media.open(true),
    relayed: media.relayed,
    close: async () => {
      for (const socket of sockets) socket.terminate()
      http.closeAllConnections()
      http.close()
      media.close()
    },
  }
}

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  headers.authorization ? { authorization: headers.authorization } : {}

const join = (
  client: WebSocket,
  server: WebSocket,
  media: Relay,
  said: SignalRequest['message'][],
  pace: { delayMs: number },
): void => {
  const pass = (data: RawData, binary: boolean) => server.readyState === WebSocket.OPEN && server.send(data, { binary })
  client.on('error', () => {}).on('close', () => server.terminate())
  server.on('close', () => client.terminate())
  client.on('message', (data, isBinary) => {
    const message = isBinary ? SignalRequest.fromBinary(bytesOf(data)).message : undefined
    if (message) said.push(message)
    if (message?.case === 'trickle') return
    if (pace.delayMs === 0) pass(data, isBinary)
    else setTimeout(() => pass(data, isBinary), pace.delayMs)
  })
  server.on('message', (data) => client.readyState === WebSocket.OPEN && client.send(toClient(data, media)))
}

const toClient = (data: RawData, media: Relay): Uint8Array => {
  const response = SignalResponse.fromBinary(bytesOf(data))
  if (response.message.case !== 'trickle') return bytesOf(data)
  const init = JSON.parse(response.message.value.candidateInit) as { candidate: string }
  const fields = init.candidate.split(' ')
  if (fields[2]?.toLowerCase() === 'udp') {
    media.aim(Number(fields[5]), fields[4]!)
    fields.splice(4, 2, '127.0.0.1', String(media.port))
  }
  response.message.value.candidateInit = JSON.stringify({ ...init, candidate: fields.join(' ') })
  return response.toBinary()
}

const bytesOf = (data: RawData): Uint8Array => data as Buffer

type Relay = Awaited<ReturnType<typeof startRelay>>

/** To the server each of the client's sockets stays a sender of its own. */
const startRelay = async () => {
  const near = createSocket('udp4')
  const far = new Map<string, UdpSocket>()
  let server: { port: number; address: string } | undefined
  let isOpen = true
  let relayed = 0
  const farSocket = (key: string, port: number, address: string): UdpSocket => {
    const known = far.get(key)
    if (known) return known
    const socket = createSocket('udp4')
    far.set(key, socket)
    socket.on('error', () => {})
    socket.on('message', (datagram) => {
      if (!isOpen) return
      relayed += 1
      near.send(datagram, port, address)
    })
    return socket
  }
  near.on('error', () => {})
  near.on('message', (datagram, { port, address }) => {
    if (!isOpen || !server) return
    relayed += 1
    farSocket(`${address} ${port}`, port, address).send(datagram, server.port, server.address)
  })
  near.bind(0, '127.0.0.1')
  await once(near, 'listening')
  return {
    port: near.address().port,
    aim: (port: number, address: string) => {
      server = { port, address }
    },
    open: (open: boolean) => {
      isOpen = open
    },
    relayed: () => relayed,
    close: () => {
      for (const socket of [near, ...far.values()]) socket.close()
    },
  }
}
