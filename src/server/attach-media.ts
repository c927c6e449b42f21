import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Log, MediaPlane } from './deps.ts'

/** Carries `/rtc` (signal sockets, GET) and `/twirp` (POST) to the embedded media server. Returns what ends it. */
export const attachMedia = (app: FastifyInstance, { attach }: MediaPlane, log: Log): (() => void) => {
  const sockets = new Set<Duplex>()
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (!attach || !/^\/rtc(?:[/?]|$)/.test(request.url ?? '')) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    attach.handleUpgrade(request, socket, head)
  })
  if (attach) {
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
      for (const url of ['/rtc', '/rtc/*', '/twirp/*']) {
        scope.route({
          method: url.startsWith('/rtc') ? 'GET' : 'POST',
          url,
          handler: async (request, reply) => {
            const answer = await attach.handleRequest({
              method: request.method,
              path: request.url,
              headers: Object.fromEntries(
                Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
              ),
              body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
            })
            return reply.code(answer.status).headers(answer.headers).send(answer.body)
          },
        })
      }
    })
  }
  return () => {
    for (const socket of sockets) socket.destroy()
    if (sockets.size > 0) log('info', 'media-sockets-closed', { count: sockets.size })
  }
}
