import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ErrorCode, isApiError } from '../../protocol/errors.ts'
import { type ProgramAnswer, type ProgramCommand, programCommandSchema } from '../../protocol/program.ts'
import { createWatchMetrics } from './metrics.ts'
import type { Watched } from './watch.ts'

export type EndpointOptions = {
  host: string
  port: number
  /** Without one, no command is taken, and nothing but this machine is listened to. */
  token: string | undefined
  watched(): Watched[]
  /** Throws `not-found` where there is no such session. */
  command(session: string, command: ProgramCommand): Promise<ProgramAnswer>
  /** iCalendar text of all that is hosted here. */
  calendar(): string
}

export type Endpoint = { url: string; close(): Promise<void> }

const MAX_BODY_BYTES = 16_384
const REQUEST_WITHIN_MS = 10_000

/**
 * What a host shows and takes over HTTP:
 * `GET /health` (200 on air or waiting as planned, else 503), `GET /sessions`, `GET /metrics`, `GET /calendar.ics`,
 * `POST /sessions/NAME/program` (a ProgramCommand; needs the token as `Authorization: Bearer`).
 * Off this machine all but health and calendar need the token. Throws `bad-input` for an address beyond this machine
 * without a token; the system's error (`EADDRINUSE`) where it cannot listen.
 */
export const startEndpoint = async (options: EndpointOptions): Promise<Endpoint> => {
  const { host, port, token } = options
  const isNear = isLoopback(host)
  if (!isNear && !token)
    throw problem(
      'bad-input',
      `To be reached beyond this machine (${host}) the bot's endpoint needs --http-token @FILE.`,
    )
  const metrics = createWatchMetrics(options.watched)
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A page in a browser of this machine may ask by a name of its own that leads here; it must not be answered.
    if (isNear && !isLoopback(hostOf(request))) throw problem('not-allowed', 'This address is for this machine alone.')
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const route = routes.find(({ path }) => path.test(pathname))
    if (!route)
      throw problem('not-found', 'There is /health, /sessions, /metrics, /calendar.ics and /sessions/NAME/program.')
    if (route.method !== (request.method === 'HEAD' ? 'GET' : request.method))
      return refuseMethod(response, route.method)
    if (route.needs === 'token' || (route.needs === 'token-afar' && !isNear)) requireToken(request, token)
    await route.answer({ request, response, options, metrics, name: decode(route.path.exec(pathname)?.[1] ?? '') })
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => sendProblem(response, error))
  })
  server.requestTimeout = REQUEST_WITHIN_MS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  const { address, family, port: bound } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Asked = {
  request: IncomingMessage
  response: ServerResponse
  options: EndpointOptions
  metrics: ReturnType<typeof createWatchMetrics>
  name: string
}
type Route = {
  method: 'GET' | 'POST'
  path: RegExp
  needs: 'nothing' | 'token-afar' | 'token'
  answer(asked: Asked): void | Promise<void>
}

const routes: Route[] = [
  {
    method: 'GET',
    path: /^\/health$/,
    needs: 'nothing',
    answer: ({ response, options }) => {
      const problems = options
        .watched()
        .flatMap(({ report, problem }) => (problem === null ? [] : [{ session: report.session, problem }]))
      send(response, problems.length === 0 ? 200 : 503, { ok: problems.length === 0, problems })
    },
  },
  {
    method: 'GET',
    path: /^\/sessions$/,
    needs: 'token-afar',
    answer: ({ response, options }) => send(response, 200, { sessions: options.watched().map(shown) }),
  },
  {
    method: 'GET',
    path: /^\/metrics$/,
    needs: 'token-afar',
    answer: async ({ response, metrics }) => write(response, 200, metrics.contentType, await metrics.text()),
  },
  {
    method: 'GET',
    path: /^\/calendar\.ics$/,
    needs: 'nothing',
    answer: ({ response, options }) => write(response, 200, 'text/calendar; charset=utf-8', options.calendar()),
  },
  {
    method: 'POST',
    path: /^\/sessions\/([^/]+)\/program$/,
    needs: 'token',
    answer: async ({ request, response, options, name }) => {
      const command = programCommandSchema.safeParse(await readJson(request))
      if (!command.success) {
        const [issue] = command.error.issues
        throw problem('bad-request', `No command of a program: ${issue?.path.join('.') || 'it'}: ${issue?.message}.`)
      }
      const answer = await options.command(name, command.data)
      send(response, answer.ok ? 200 : (statuses[answer.code ?? ''] ?? 409), answer)
    },
  },
]

const shown = ({ report, problem, figures }: Watched) => ({ ...report, problem: problem ?? report.problem, figures })

const requireToken = ({ headers }: IncomingMessage, token: string | undefined): void => {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
  if (token === undefined)
    throw problem('not-allowed', 'Commands are taken only where the bot was given --http-token @FILE.')
  if (bearer === undefined || !timingSafeEqual(digest(bearer), digest(token)))
    throw problem('sign-in-needed', 'This needs the token of --http-token as "Authorization: Bearer TOKEN".')
}

/** Of equal length whatever was sent, and nothing is learnt from how long comparing took. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
const hostOf = ({ headers }: IncomingMessage): string =>
  (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw problem('too-large', `A command has at most ${MAX_BODY_BYTES} bytes.`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw problem('bad-request', 'The body is not JSON.')
  }
}

const decode = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    throw problem('bad-request', 'The name in the path is not well encoded.')
  }
}

const write = (response: ServerResponse, status: number, type: string, text: string, headers = {}): void => {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers }).end(text)
}
const send = (response: ServerResponse, status: number, document: unknown, headers = {}): void =>
  write(response, status, 'application/json', `${JSON.stringify(document)}\n`, headers)

const refuseMethod = (response: ServerResponse, method: string): void =>
  send(response, 405, { ok: false, code: 'bad-request', message: `This takes ${method} alone.` }, { allow: method })

const statuses: Record<string, number> = {
  'bad-request': 400,
  'sign-in-needed': 401,
  'not-allowed': 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  unavailable: 503,
}

const sendProblem = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent) return void response.destroy()
  const code: ErrorCode = isApiError(error) ? error.code : 'internal'
  const message = isApiError(error) ? error.message : 'The bot could not answer.'
  const status = statuses[code] ?? 500
  // What is left of a body that nobody reads would be taken for the next request.
  send(response, status, { ok: false, code, message }, { connection: 'close' })
}

const problem = (code: ErrorCode | 'bad-input', message: string): Error => Object.assign(new Error(message), { code })
