import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { createLog } from '../server/log.ts'
import { listenProblem, type Server, startServer, urlOf } from '../server/server.ts'
import { startMediaWorkers } from '../sfu/workers.ts'
import type { ServeOptions } from './commands/serve.ts'
import type { Context } from './context.ts'
import { parseDurationMs } from './duration.ts'
import { entryOf } from './entries.ts'
import { failure } from './failure.ts'
import { outboxFile, serverDataFolder, serverFile, serverRecordSchema } from './local-server.ts'
import { type MediaPlan, mediaPlan } from './media-options.ts'
import { mediaPlane } from './media-plane.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { alertReceiver, createServeAlerts } from './serve-alerts.ts'

const IDLE_MS = 10 * 60_000
const ABANDON_MS = 500

/** Runs until it is told to end (0 on SIGTERM, 130 on Ctrl+C), or, embedded, until nobody needs it. */
export const serve = async (context: Context, options: ServeOptions): Promise<void> => {
  const plan = await planServe(context, options)
  const ending = untilTold(context)
  const server = await start(context, plan, ending)
  try {
    if (plan.isHome) await writeRecord(context, server, plan)
    announce(context, options, server, plan)
    const failed = server.failed.then((error) => {
      // A database that panicked leaves timers behind; they must not keep a server that cannot serve.
      context.onClose(() => void setTimeout(() => process.exit(1), ABANDON_MS).unref())
      throw error
    })
    const cause = await Promise.race([
      ending,
      failed,
      ...(plan.idleMs === undefined ? [] : [untilIdle(server, plan.idleMs)]),
    ])
    if (cause === 'SIGINT') context.exitWith(130)
  } finally {
    // The record goes first: whoever looks from now on starts a server of their own.
    if (plan.isHome) await removeRecord(context)
    await server.close()
  }
}

type Plan = {
  host: string
  port: number
  dataDir: string
  databaseUrl?: string
  sms: Parameters<typeof startServer>[0]['sms']
  operatorPhone?: string
  /** Who is told of sessions without a host. */
  alertReceivers: ReturnType<typeof alertReceiver>[]
  media: Awaited<ReturnType<typeof mediaPlane>>
  /** How the embedded media server runs. */
  sound: MediaPlan
  isEmbedded: boolean
  /** It keeps this home's own data, so commands of this home use it. */
  isHome: boolean
  idleMs?: number
}

const planServe = async (context: Context, options: ServeOptions): Promise<Plan> => {
  const { env, folders } = context
  const isEmbedded = options.embedded === true
  const dataDir = options.data === undefined ? serverDataFolder(folders) : resolve(context.workingFolder, options.data)
  const idle = options.idle === undefined ? undefined : parseDurationMs(options.idle, '--idle')
  const media = await mediaPlane(env, dataDir)
  return {
    host: options.host,
    port: isEmbedded ? await lastingPort(context) : await freePort(options.host, portFrom(options.port)),
    dataDir,
    databaseUrl: databaseUrlOf(env),
    sms: isEmbedded ? { door: 'outbox', path: outboxFile(folders) } : await smsDoor(context, options.sms, dataDir),
    operatorPhone: options.operator,
    alertReceivers: (options.alert ?? []).map(alertReceiver),
    media,
    sound: mediaPlan(options, { host: options.host, env, isElsewhere: media.url !== undefined }),
    isEmbedded,
    isHome: options.data === undefined && !env.DATABASE_URL,
    idleMs: idle ?? (isEmbedded ? IDLE_MS : undefined),
  }
}

const start = async (context: Context, plan: Plan, ending: Promise<unknown>): Promise<Server> => {
  const { host, port, dataDir, databaseUrl, sms, operatorPhone, media, sound, alertReceivers } = plan
  const { url, apiKey, apiSecret } = media
  const silence = context.flags().quiet ? () => {} : undefined
  const log = createLog(silence)
  const detail = (line: string) => context.output.detail(`media: ${line}`)
  // Why it does not start is told by an error, in one sentence; and a Ctrl+C ends it with us.
  let tell = detail
  const child =
    url === undefined
      ? await startMediaWorkers({
          ...sound,
          entry: entryOf('media-server'),
          apiKey,
          apiSecret,
          webhookUrl: `${urlOf(host, port)}/api/webhooks/livekit`,
          log: (line) => tell(line),
        })
      : undefined
  const alerts = createServeAlerts(alertReceivers, context, (message) => log('warn', 'alert-failed', { message }))
  tell = (line) => log('warn', 'media-server', { line })
  void ending.then(() => {
    tell = detail
  })
  try {
    const server = await startServer({
      host,
      port,
      store: { dataDir, databaseUrl },
      sms,
      operatorPhone,
      media: { url, apiKey, apiSecret, attach: child as Parameters<typeof startServer>[0]['media']['attach'] },
      metricsToken: context.env.ROOMTONE_METRICS_TOKEN || undefined,
      onUnhosted: alerts.onUnhosted,
      version: context.version,
      log: silence,
    })
    const close = async () => {
      await server.close()
      await alerts.close()
      await child?.close()
    }
    return { ...server, close }
  } catch (error) {
    await child?.close()
    throw error
  }
}

const announce = (context: Context, options: ServeOptions, server: Server, plan: Plan) => {
  if (plan.media.notice) context.output.note(plan.media.notice)
  if (options.json)
    return context.output.json({
      url: server.url,
      pid: process.pid,
      version: context.version,
      data: plan.databaseUrl === undefined ? plan.dataDir : null,
      media: { url: plan.media.url ?? server.url.replace(/^http/, 'ws'), isEmbedded: plan.media.url === undefined },
    })
  context.output.line(server.url)
  context.output.note(`Listening on ${server.url}; Ctrl+C ends it. Use it: roomtone --server ${server.url} login`)
}

const untilTold = (context: Context): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    context.onInterrupt(resolve)
    // A server goes on when nobody reads where it listens.
    context.onOutputClosed(() => {})
  })

/** Nobody in a seat, nobody watching, no live room, for so long. */
const untilIdle = (server: Server, idleMs: number): Promise<'idle'> =>
  new Promise((resolve) => {
    let since = Date.now()
    const timer = setInterval(
      () => {
        const { liveRooms, seats, subscribers } = server.stats()
        if (liveRooms + seats + subscribers > 0) since = Date.now()
        if (Date.now() - since < idleMs) return
        clearInterval(timer)
        resolve('idle')
      },
      Math.min(1000, idleMs / 4),
    )
    timer.unref()
  })

const databaseUrlOf = ({ DATABASE_URL: url }: NodeJS.ProcessEnv): string | undefined => {
  // Not repeated in the sentence: there may be a password in it.
  if (url && !(URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol)))
    throw failure('bad-input', 'DATABASE_URL must be a URL such as postgresql://user@host/database')
  return url || undefined
}

const portFrom = (text = '8080'): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw failure('bad-input', `--port must be a number from 0 to 65535, not "${text}"`)
  return Number(text)
}

/** The port to listen on, found before anything starts: the media child is told the address of our webhook. */
const freePort = (host: string, wanted: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => reject(listenProblem(error, host, wanted)))
    probe.listen({ port: wanted, host }, () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })

const portSchema = z.object({ port: z.number().int() })

/** The embedded server's port of last time where it is free, so that seats find it again after a kill -9. */
const lastingPort = async (context: Context): Promise<number> => {
  const file = join(context.folders.state, 'server-port.json')
  const kept = await readPrivateFile(file, portSchema)
  const port = await freePort('127.0.0.1', kept?.port ?? 0).catch(() => freePort('127.0.0.1', 0))
  await writePrivateFile(file, { port })
  return port
}

const smsKeySchema = z.object({ secret: z.string().min(32) })

const smsDoor = async (context: Context, text = 'console', dataDir: string): Promise<Plan['sms']> => {
  const [, door, rest = ''] = /^(\w+)(?::(.*))?$/s.exec(text) ?? []
  if (door === 'console' && rest === '') return { door }
  if (door === 'outbox' && rest !== '') return { door, path: resolve(context.workingFolder, rest) }
  if (door !== 'webhook' || !/^https?:\/\//.test(rest) || !URL.canParse(rest))
    throw failure('bad-input', `--sms is console, outbox:FILE or webhook:URL, not "${text}"`)
  const file = join(dataDir, 'sms-key.json')
  const kept = await readPrivateFile(file, smsKeySchema)
  const secret = kept?.secret ?? randomBytes(32).toString('base64url')
  if (!kept) await writePrivateFile(file, { secret })
  context.output.note(`Messages are signed with the secret in ${file}`)
  return { door, url: rest, secret }
}

const writeRecord = (context: Context, server: Server, plan: Plan) =>
  writePrivateFile(serverFile(context.folders), {
    url: server.url,
    pid: process.pid,
    version: context.version,
    isEmbedded: plan.isEmbedded,
  })

const removeRecord = async (context: Context) => {
  const file = serverFile(context.folders)
  const record = await readPrivateFile(file, serverRecordSchema).catch(() => undefined)
  if (record?.pid === process.pid) await rm(file, { force: true })
}
