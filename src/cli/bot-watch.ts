import { statSync } from 'node:fs'
import { hostname } from 'node:os'
import type { HostProcess } from '../bot/host/supervise.ts'
import type { HostEvent } from '../bot/host/wire.ts'
import type { SessionScript } from '../bot/script/script.ts'
import { type Alerts, createAlerts } from '../bot/watch/alerts.ts'
import { calendarOf } from '../bot/watch/calendar.ts'
import { type Endpoint, startEndpoint } from '../bot/watch/endpoint.ts'
import { createIncidentFiles } from '../bot/watch/incident-file.ts'
import type { SessionView } from '../bot/watch/report.ts'
import { startWatch, type Watch, type WatchNews } from '../bot/watch/watch.ts'
import { createWebhooks } from '../client/api-webhook.ts'
import { apiError } from '../protocol/errors.ts'
import type { ProgramAnswer, ProgramCommand } from '../protocol/program.ts'
import { listenProblem } from '../server/server.ts'
import { environmentOf } from './alert-environment.ts'
import { sessionsFolderOf } from './bot-folders.ts'
import type { Context } from './context.ts'
import { failure } from './failure.ts'
import { readToken } from './secret.ts'

export type BotWatchOptions = { http?: string; httpToken?: string; control?: string; log?: string; ear?: boolean }

/** What a host and those who watch it tell: one line each under `--jsonl`. */
export type BotRunEvent = HostEvent | ({ at: string; occurrence: string | null } & WatchNews)

export type BotWatch = {
  /** To be told of every session, as it is. */
  onView(view: SessionView): void
  /** Whom repairs and commands go to, once it is there. */
  attach(host: HostProcess): void
  /** A script was read anew. */
  onScript(script: SessionScript): void
  command(session: string, command: ProgramCommand, by: string): Promise<ProgramAnswer>
  close(): Promise<void>
}

/**
 * Looks after a host from outside its process: dead air and repairs, alerts, and the HTTP endpoint where one is wanted.
 * Throws `bad-input` or `port-taken` with a sentence before anything is joined.
 */
export const startBotWatch = async (
  context: Context,
  given: { scripts: readonly SessionScript[]; durations: ReadonlyMap<string, number | null> },
  options: BotWatchOptions,
  onNews: (news: BotRunEvent) => void,
): Promise<BotWatch> => {
  const scripts = new Map(given.scripts.map((script) => [script.name, script]))
  const client = `roomtone ${context.version} on ${process.platform}`
  const webhooks = createWebhooks({ client, proxy: context.proxy() })
  const alerts = createAlerts({
    post: webhooks.post,
    env: environmentOf(context.env),
    onProblem: (message) => context.output.note(message),
  })
  let host: HostProcess | undefined
  const occurrences = new Map<string, string | null>()
  const incidents = createIncidentFiles(sessionsFolderOf(context))
  const watch = startWatch({
    incidents,
    alertsOf: (session) => scripts.get(session)?.alerts ?? [],
    alerts,
    repair: (session, repair) => host?.repair(session, repair),
    onNews: (news) =>
      onNews({ at: new Date().toISOString(), occurrence: occurrences.get(news.session) ?? null, ...news }),
  })
  const command = async (session: string, wanted: ProgramCommand, by: string) => {
    if (!scripts.has(session)) throw apiError('not-found', `There is no session "${session}" here: ${listOf(scripts)}.`)
    if (!host) throw apiError('unavailable', 'The bot is not ready yet.')
    return host.command(session, wanted, by)
  }
  const endpoint = await openEndpoint(context, options, {
    watched: watch.watched,
    command: (session, wanted) => command(session, wanted, 'http'),
    calendar: () => calendarNow([...scripts.values()], given.durations),
  }).catch(async (error) => {
    await closeAll({ watch, alerts, webhooks })
    throw error
  })
  return {
    onView: (view) => {
      occurrences.set(view.report.session, view.report.occurrence)
      watch.see(view)
    },
    attach: (process) => {
      host = process
    },
    onScript: (script) => void scripts.set(script.name, script),
    command,
    close: async () => {
      await closeAll({ watch, alerts, webhooks, endpoint })
      await incidents.flush()
    },
  }
}

const calendarNow = (scripts: SessionScript[], durations: ReadonlyMap<string, number | null>): string => {
  const sessions = scripts.map((script) => ({
    script,
    durationMs: durations.get(script.name) ?? null,
    changedMs: Math.max(...script.files.map(changedMs)),
  }))
  return calendarOf(sessions, hostname(), Date.now())
}

/** A file that is away for a moment was not changed. */
const changedMs = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

const listOf = (scripts: Map<string, SessionScript>) => [...scripts.keys()].join(', ')

const openEndpoint = async (
  context: Context,
  { http, httpToken }: BotWatchOptions,
  shown: Pick<Parameters<typeof startEndpoint>[0], 'watched' | 'command' | 'calendar'>,
): Promise<Endpoint | undefined> => {
  if (http === undefined) {
    if (httpToken === undefined) return undefined
    throw failure('bad-input', '--http-token goes with --http, the address to listen on')
  }
  const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d{1,5})$/.exec(http) ?? []
  if (!port || Number(port) > 65_535)
    throw failure('bad-input', `--http wants an address such as 127.0.0.1:9090, not "${http}"`)
  if (httpToken !== undefined && !httpToken.startsWith('@'))
    throw failure(
      'bad-input',
      '--http-token wants @FILE, a file with the token: on a command line others could read it',
    )
  const token = httpToken === undefined ? undefined : await readToken(context, httpToken)
  const address = { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
  const endpoint = await startEndpoint({ ...address, token, ...shown }).catch((error) => {
    throw listenProblem(error, address.host, address.port)
  })
  context.output.note(`Health, metrics and calendar at ${endpoint.url}`)
  return endpoint
}

const closeAll = async (all: {
  watch: Watch
  alerts: Alerts
  webhooks: ReturnType<typeof createWebhooks>
  endpoint?: Endpoint
}): Promise<void> => {
  all.watch.close()
  await all.endpoint?.close()
  await all.alerts.close()
  await all.webhooks.close()
}
