import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import type { z } from 'zod'
import { apiError } from '../protocol/errors.ts'
import { problemSchema } from '../protocol/problem.ts'
import { type Route, type RouteName, routes } from '../protocol/routes.ts'
import { parseClean } from '../protocol/text.ts'
import { type SubscribeOptions, type Subscription, startSubscription } from './api-events.ts'
import type { Credentials } from './credentials.ts'
import { createServerClock } from './server-clock.ts'

type Part<N extends RouteName, K extends 'query' | 'body'> =
  (typeof routes)[N] extends Record<K, infer S extends z.ZodType> ? z.input<S> : undefined
type Answer<N extends RouteName> = (typeof routes)[N] extends { answer: infer S extends z.ZodType }
  ? z.output<S>
  : undefined

type CallOptions<N extends RouteName> = {
  /** The `:name` parts of the path. */
  params?: Record<string, string>
  query?: Part<N, 'query'>
  body?: Part<N, 'body'>
  signal?: AbortSignal
}

export type Api = {
  readonly server: string
  /** How far its clock is ahead of this machine's, in ms, by its answers; 0 where that is no more than they can tell. */
  clockAheadMs(): number
  /**
   * Calls a route. Throws an `ApiError` with the problem's code; an Error with code `unreachable` where no
   * roomtone server answers. An expired access token is refreshed once, unseen.
   */
  call<N extends RouteName>(name: N, options?: CallOptions<N>): Promise<Answer<N>>
  /** Live changes: of a room one is in, or of the hallway; resumed by itself until closed. */
  subscribe(options: SubscribeOptions): Subscription
  close(): Promise<void>
}

export type ApiOptions = {
  /** `https://HOST[:PORT]`. */
  server: string
  credentials: Credentials
  /** Sent as User-Agent, e.g. `roomtone 0.1.0 on linux`. */
  client?: string
  /** As the environment names them; nothing is read from it here. */
  proxy?: { http?: string; https?: string; except?: string }
}

const TIMEOUT_MS = 10_000

type LooseCall = { params?: Record<string, string>; query?: unknown; body?: unknown; signal?: AbortSignal }

/** The one door to a roomtone server. */
export const createApi = ({ server, credentials, client = 'roomtone', proxy }: ApiOptions): Api => {
  const base = server.replace(/\/+$/, '')
  const dispatcher = openDispatcher(proxy)
  const clock = createServerClock()
  const send: SendRequest = (path, options) =>
    request(`${base}${path}`, { dispatcher, ...options, headers: { 'user-agent': client, ...options.headers } }).catch(
      (error: Error) =>
        Promise.reject((options.signal as AbortSignal | undefined)?.aborted ? error : unreachable(base, error)),
    )

  const once = async (route: Route, options: LooseCall, token: string | undefined): Promise<unknown> => {
    const askedAtMs = Date.now()
    const response = await send(pathOf(route, options), {
      method: route.method,
      headers: { accept: 'application/json', ...bodyHeaders(options.body), ...authorization(token) },
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    })
    clock.take(response.headers.date, askedAtMs, Date.now())
    return readAnswer(base, route, response)
  }

  const withToken: WithToken = async (work) => {
    const token = await credentials.token()
    try {
      return await work(token)
    } catch (error) {
      if (!token || (error as { code?: unknown }).code !== 'token-expired') throw error
      const fresh = await credentials.refresh(token, trade)
      if (!fresh) throw apiError('sign-in-needed', `Your sign-in at ${base} has ended; sign in again.`)
      return work(fresh)
    }
  }

  const trade = async (refreshToken: string, tradeId: string) =>
    (await once(routes.refreshSession, { body: { refreshToken, tradeId } }, undefined)) as Answer<'refreshSession'>

  return {
    server: base,
    clockAheadMs: clock.aheadMs,
    call: async (name, options = {}) => {
      const route: Route = routes[name]
      const work = (token: string | undefined) => once(route, options, token)
      return (await (route.auth === 'none' ? work(undefined) : withToken(work))) as never
    },
    subscribe: (options) =>
      startSubscription(options, (path, headers, signal) =>
        withToken(async (token) => {
          const response = await send(path, {
            method: 'GET',
            headers: { ...headers, ...authorization(token) },
            signal,
            headersTimeout: TIMEOUT_MS,
            bodyTimeout: 0,
          })
          if (response.statusCode !== 200) throw await readProblem(base, response)
          return response.body
        }),
      ),
    close: () => dispatcher.destroy(),
  }
}

type SendRequest = (
  path: string,
  options: Omit<Dispatcher.RequestOptions, 'path' | 'origin' | 'headers'> & { headers: Record<string, string> },
) => Promise<Dispatcher.ResponseData>
type WithToken = <T>(work: (token: string | undefined) => Promise<T>) => Promise<T>

export const openDispatcher = (proxy: ApiOptions['proxy']): Dispatcher => {
  const options = { connect: { timeout: 5_000 }, keepAliveTimeout: 10_000 }
  if (!proxy?.http && !proxy?.https) return new Agent(options)
  return new EnvHttpProxyAgent({
    ...options,
    httpProxy: proxy.http ?? '',
    httpsProxy: proxy.https ?? proxy.http ?? '',
    noProxy: proxy.except ?? '',
  })
}

const pathOf = (route: Route, { params = {}, query }: LooseCall): string => {
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const pairs = Object.entries((query ?? {}) as Record<string, unknown>).filter(([, value]) => value !== undefined)
  if (pairs.length === 0) return path
  return `${path}?${new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)]))}`
}

const authorization = (token: string | undefined): Record<string, string> =>
  token ? { authorization: `Bearer ${token}` } : {}

const bodyHeaders = (body: unknown): Record<string, string> =>
  body === undefined ? {} : { 'content-type': 'application/json' }

const readAnswer = async (base: string, route: Route, response: Dispatcher.ResponseData): Promise<unknown> => {
  if (response.statusCode >= 300) throw await readProblem(base, response)
  const body = await readJson(base, response)
  if (!route.answer) return undefined
  const answer = route.answer.safeParse(body)
  if (answer.success) return answer.data
  throw unreachable(base, new Error('it answered in a way this version does not understand'))
}

const readProblem = async (base: string, response: Dispatcher.ResponseData): Promise<Error> => {
  const problem = problemSchema.safeParse(await readJson(base, response).catch(() => undefined))
  if (!problem.success) return unreachable(base, new Error(`HTTP ${response.statusCode}, not from a roomtone server`))
  const { code, title, detail, field, retryAfterMs } = problem.data
  return apiError(code, detail ?? title, { field, retryAfterMs })
}

const MAX_ANSWER_BYTES = 32 * 1024 * 1024

const readJson = async (base: string, { body }: Dispatcher.ResponseData): Promise<unknown> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > MAX_ANSWER_BYTES) throw new Error('its answer has no end')
    }
    return bytes === 0 ? undefined : parseClean(Buffer.concat(chunks).toString())
  } catch (error) {
    throw unreachable(base, error as Error)
  }
}

const unreachable = (base: string, cause: Error) =>
  Object.assign(new Error(`No roomtone server answers at ${base}: ${describeCause(cause)}.`, { cause }), {
    code: 'unreachable',
  })

export const describeCause = (cause: Error): string => {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such host'
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT') return 'it took too long'
  return message || code || 'no connection'
}
