import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** What stands in front of a LiveKit server: carries all to it, counts RoomService calls, and may refuse them. */
export type Front = {
  url: string
  /** Of RoomService, in order. */
  calls: { method: string; at: number }[]
  /** Answers RoomService calls with this status from now on, asking to come again in 2 s; null: carries them again. */
  refuseWith(status: number | null): void
  /** The same for those who want to join. */
  refuseJoinsWith(status: number | null): void
  /** The most RoomService calls that were under way at once. */
  mostAtOnce(): number
  close(): Promise<void>
}

export const startFront = async (target: { httpUrl: string }, listenOn = 0): Promise<Front> => {
  const { hostname: host, port } = new URL(target.httpUrl)
  const calls: Front['calls'] = []
  const sockets = new Set<Duplex>()
  let refusal: number | null = null
  let joinRefusal: number | null = null
  let [underWay, most] = [0, 0]
  const server = createServer((req, res) => {
    const method = /^\/twirp\/livekit\.RoomService\/(\w+)$/.exec(req.url ?? '')?.[1]
    if (method) {
      calls.push({ method, at: performance.now() })
      underWay += 1
      most = Math.max(most, underWay)
      res.once('close', () => {
        underWay -= 1
      })
      if (refusal !== null)
        return void res.writeHead(refusal, { 'content-type': 'text/plain', 'retry-after': '2' }).end('not now')
    }
    const onward = request({ host, port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    onward.once('error', () => res.writeHead(502).end())
    req.pipe(onward)
  })
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (joinRefusal !== null)
      return socket.end(`HTTP/1.1 ${joinRefusal} Not Now\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n`)
    const onward = connect(Number(port), host, () => {
      const headers = req.rawHeaders.flatMap((name, index) =>
        index % 2 === 0 ? [`${name}: ${req.rawHeaders[index + 1]}`] : [],
      )
      onward.write(`${req.method} ${req.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
      onward.write(head)
      onward.pipe(socket).pipe(onward)
    })
    for (const end of [onward, socket]) {
      sockets.add(end)
      const drop = () => {
        for (const each of [onward, socket]) each.destroy()
        sockets.delete(end)
      }
      end.on('error', drop).on('close', drop)
    }
  })
  await new Promise<void>((resolve) => server.listen(listenOn, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    refuseWith: (status) => {
      refusal = status
    },
    refuseJoinsWith: (status) => {
      joinRefusal = status
    },
    mostAtOnce: () => most,
    close: async () => {
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
