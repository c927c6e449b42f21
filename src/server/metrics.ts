import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { apiError } from '../protocol/errors.ts'
import type { MediaPlane } from './deps.ts'
import { mediaMetrics } from './metrics-media.ts'
import type { StoreWatch } from './store.ts'

/** What this server counts, in figures alone: labels are route patterns, states and numbers of workers (R22). */
export type Metrics = {
  store: StoreWatch
  /** A text message left, or did not. */
  onSms(isSent: boolean): void
  /** A scheduled session had no host in time, or got one after all. */
  onUnhosted(state: 'began' | 'over'): void
  /** `GET /metrics` in Prometheus' text format; counts all answers of `app` from here on. */
  serve(app: FastifyInstance, options: MetricsOptions): void
}

type MetricsOptions = {
  /** Whoever has it may read from anywhere; without one, only this machine may. */
  token: string | undefined
  counts(): HouseCounts
  media: MediaPlane
}
type HouseCounts = { liveRooms: number; seats: number; subscribers: number }

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const sms = new Counter({
    name: 'roomtone_text_messages_total',
    help: 'Text messages, by whether the door took them',
    labelNames: ['result'],
    registers: [registry],
  })
  for (const result of ['sent', 'failed']) sms.inc({ result }, 0)
  const unhosted = new Counter({
    name: 'roomtone_unhosted_sessions_total',
    help: 'Scheduled sessions that nobody had opened 60 s after their start, and those opened after that',
    labelNames: ['state'],
    registers: [registry],
  })
  for (const state of ['began', 'over']) unhosted.inc({ state }, 0)
  const waited = durations(registry, 'roomtone_database_wait_seconds', 'Time that work waited for a connection')
  const answered = durations(registry, 'roomtone_database_query_seconds', 'Time that the database took for a query')

  return {
    store: { onWaited: (ms) => waited.observe(ms / 1000), onAnswered: (ms) => answered.observe(ms / 1000) },
    onUnhosted: (state) => unhosted.inc({ state }),
    onSms: (isSent) => sms.inc({ result: isSent ? 'sent' : 'failed' }),
    serve: (app, { token, counts, media }) => {
      countAnswers(app, registry)
      showHouse(registry, counts)
      const showMedia = mediaMetrics(registry)
      app.get('/metrics', async (request, reply) => {
        if (!mayRead(request, token))
          throw apiError('sign-in-needed', 'Metrics are for this machine, or for the bearer of ROOMTONE_METRICS_TOKEN.')
        showMedia((await media.attach?.metrics?.()) ?? [])
        return reply.type(registry.contentType).send(await registry.metrics())
      })
    },
  }
}

const durations = (registry: Registry, name: string, help: string) =>
  new Histogram({ name, help, buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10], registers: [registry] })

const countAnswers = (app: FastifyInstance, registry: Registry): void => {
  const answers = new Counter({
    name: 'roomtone_http_requests_total',
    help: 'Answers, by method, pattern of the route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode }) => {
    // The pattern, never the path: that names rooms, and there is no end of them.
    answers.inc({ method, route: routeOptions.url ?? 'none', status: String(statusCode) })
  })
}

const houseFigures: [key: keyof HouseCounts, name: string, help: string][] = [
  ['liveRooms', 'roomtone_live_rooms', 'Rooms that are live'],
  ['seats', 'roomtone_seats', 'Participants of live rooms'],
  ['subscribers', 'roomtone_event_streams', 'Open streams of live updates'],
]

const showHouse = (registry: Registry, counts: () => HouseCounts): void => {
  for (const [key, name, help] of houseFigures)
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(counts()[key])
      },
    })
}

const mayRead = ({ raw: { socket, headers } }: FastifyRequest, token: string | undefined): boolean => {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
  if (token && bearer !== undefined) return timingSafeEqual(digest(bearer), digest(token))
  // What a proxy on this machine forwards comes from anywhere.
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false
  return /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '')
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
