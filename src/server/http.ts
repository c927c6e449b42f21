import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { apiError } from '../protocol/errors.ts'
import { type Route, type RouteName, routes } from '../protocol/routes.ts'
import type { Caller, Handler, Handlers } from './call.ts'
import type { Log } from './deps.ts'
import { addressScope } from './domain/address.ts'
import { problemOf } from './problem.ts'
import { createBuckets } from './rate.ts'
import type { HouseSettings } from './settings.ts'
import { validate } from './validate.ts'

export type HttpOptions = {
  settings: HouseSettings
  now(): number
  log: Log
  /** Who a bearer token belongs to; throws `sign-in-needed` or `token-expired`. */
  authenticate(token: string): Promise<Caller>
}

/** The web server without its routes: parsing, bounds and problem documents. */
export const createHttp = ({ settings, log }: Pick<HttpOptions, 'settings' | 'log'>): FastifyInstance => {
  const app = Fastify({
    logger: false,
    bodyLimit: settings.bodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => sendProblem(reply as FastifyReply, error, log),
  })
  app.server.maxConnections = settings.connections
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    if (text.length === 0) return done(null, undefined)
    try {
      done(null, JSON.parse(text as string))
    } catch {
      done(apiError('bad-request', 'The body is not JSON.', { field: 'body' }))
    }
  })
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, error, log))
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, apiError('not-found', 'There is nothing here.'), log))
  return app
}

/** Serves every route of the contract, and 405 for its other methods. */
export const serveRoutes = (app: FastifyInstance, handlers: Handlers, options: HttpOptions): void => {
  const perAddress = createBuckets(options.settings.requestsPerAddress, options.now)
  const perAccount = createBuckets(options.settings.requestsPerAccount, options.now)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('date', new Date(options.now()).toUTCString())
    if (!isOwnTraffic(request)) perAddress.take(addressScope(request.ip))
  })
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const handler = handlers[name] as Handler
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        const caller = route.auth === 'none' ? null : await callerOf(request, options, route.auth)
        if (caller) perAccount.take(caller.account.id)
        const call = {
          params: checkedParams(request.params as Record<string, string>),
          query: validate(route.query, request.query, 'query'),
          body: validate(route.body, request.body, 'body'),
          caller,
          address: request.ip,
        }
        const answer = await handler(call as never)
        reply.header('cache-control', 'no-store')
        return route.answer ? reply.code(route.status ?? 200).send(answer) : reply.code(204).send()
      },
    })
  }
  refuseOtherMethods(app)
}

/** RoomService calls of this server and webhooks of its media child: they grow with the house, not with one caller. */
const isOwnTraffic = ({ raw: { url, socket, headers } }: FastifyRequest): boolean => {
  if (!/^\/(?:twirp|api\/webhooks)\//.test(url ?? '')) return false
  // What a proxy on this machine forwards comes from anywhere.
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false
  return socket.remoteAddress === socket.localAddress
}

/** Who calls, by the bearer token of a request; for routes that are served outside the table, e.g. event streams. */
export const callerOf = async (
  request: FastifyRequest,
  { authenticate }: Pick<HttpOptions, 'authenticate'>,
  auth: 'account' | 'person' = 'account',
): Promise<Caller> => {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ', 2)
  if (scheme?.toLowerCase() !== 'bearer' || !token) throw apiError('sign-in-needed', 'Sign in first.')
  const caller = await authenticate(token)
  if (auth === 'person' && caller.account.kind !== 'person') throw apiError('not-allowed', 'A bot may not do this.')
  return caller
}

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

// An id that cannot be one names nothing; the store would refuse it as a malformed uuid.
const checkedParams = (params: Record<string, string>): Record<string, string> => {
  for (const [name, value] of Object.entries(params)) {
    if (value.includes('\u0000')) throw apiError('not-found', 'There is nothing here.')
    const isId = name.endsWith('Id') && !(name === 'sessionId' && value === 'current')
    if (isId && !uuid.test(value)) throw apiError('not-found', `No such ${name.slice(0, -2)}.`)
  }
  return params
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const refuseOtherMethods = (app: FastifyInstance): void => {
  const table = Object.values(routes) as Route[]
  for (const url of new Set(table.map((route) => route.path))) {
    const allowed: string[] = table.filter((route) => route.path === url).map((route) => route.method)
    app.route({
      method: methods.filter((method) => !allowed.includes(method)),
      url,
      handler: async (_request, reply) => {
        const problem = problemOf(apiError('bad-request', `Use ${allowed.join(' or ')} here.`, { field: 'method' }))
        return reply
          .code(405)
          .header('allow', allowed.join(', '))
          .type('application/problem+json')
          .send({ ...problem, status: 405 })
      },
    })
  }
}

// What is not HTTP, comes too slowly, or has headers without end: answered where possible, then closed.
const refuseConnection = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const problem = problemOf(apiError('bad-request', isSlow ? 'The request came too slowly.' : 'This is not HTTP.'))
  const status = isSlow ? 408 : 400
  const body = JSON.stringify({ ...problem, status })
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json`
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`)
}

const sendProblem = (reply: FastifyReply, error: unknown, log: Log): FastifyReply => {
  const problem = problemOf(error)
  if (problem.code === 'internal') {
    const { message, code, stack } = error as NodeJS.ErrnoException
    log('error', 'request-failed', { route: reply.request.routeOptions?.url, message, code, stack })
  }
  if (problem.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfterMs / 1_000))
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(problem.status).type('application/problem+json').send(problem)
}
