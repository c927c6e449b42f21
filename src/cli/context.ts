import type { Readable, Writable } from 'node:stream'
import type { Api } from '../client/api.ts'
import type { Credentials } from '../client/credentials.ts'
import { failure } from './failure.ts'
import { checkHome, type Folders, foldersOf } from './folders.ts'
import { createOutput, type Output, wantsColor } from './output.ts'
import { checkValue, type SettingKey, type Settings } from './settings.ts'

/** Flags that work on every command. */
export type GlobalFlags = {
  server?: string
  profile?: string
  plain?: boolean
  quiet?: boolean
  verbose?: boolean
  /** False with --no-color. */
  color?: boolean
}

/** A server to talk to. `key` names it where things are kept per server; the embedded one keeps its name over restarts. */
export type ServerChoice = {
  url: string
  key: string
  isLocal: boolean
  /** Where the embedded server puts its text messages. */
  outboxFile?: string
}

type Streams = {
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable & { isTTY?: boolean; columns?: number }
  stderr: Writable & { isTTY?: boolean }
}

type Proxy = { http?: string; https?: string; except?: string }

/** What commands work with: functions opened on use, nothing global. */
export type Context = Streams & {
  readonly version: string
  readonly env: NodeJS.ProcessEnv
  readonly workingFolder: string
  /** The script that node runs; the embedded server is started with it. */
  readonly program: string
  readonly output: Output
  readonly folders: Folders
  /** The environment's HTTP proxies, for what talks to a server. */
  proxy(): Proxy | undefined
  flags(): GlobalFlags
  settings(): Promise<Settings>
  /** A flag's value, else the setting's. */
  setting(key: SettingKey, flag?: string): Promise<string | undefined>
  /** The configured server, else the embedded one, which this starts. */
  server(): Promise<ServerChoice>
  /** The server that a link names, with the key of the configured one when it is the same. */
  serverAt(origin: string): Promise<ServerChoice>
  /** Sign-ins are kept per server and profile. */
  credentialsFile(server: ServerChoice): Promise<string>
  /** So are the volumes of people; a bare LiveKit room goes by the origin of its URL instead of a server's key. */
  volumesFile(keyOrOrigin: string): Promise<string>
  credentials(server: ServerChoice): Promise<Credentials>
  /** The access token of ROOMTONE_TOKEN where it may be shown to this server. */
  accessToken(server: ServerChoice): Promise<string | undefined>
  api(server?: ServerChoice): Promise<Api>
  /** Takes over Ctrl+C and its like: the command then ends by itself, in order, with its own exit code. Returns what gives it back. */
  onInterrupt(handler: (signal: NodeJS.Signals) => void): () => void
  /** Runs when the command is over, last opened first. */
  onClose(close: () => unknown): void
  /** Takes over the end of stdout's reader, for commands that go on without it. */
  onOutputClosed(handler: () => void): () => void
  /** The exit code of a command that ends without an error. */
  exitWith(code: number): void
}

export type Environment = Streams & {
  env: NodeJS.ProcessEnv
  version: string
  program: string
  workingFolder: string
}

export type ContextControl = {
  context: Context
  setFlags(flags: GlobalFlags): void
  /** True when the command took the signal over. */
  interrupt(signal: NodeJS.Signals): boolean
  outputClosed(): boolean
  exitCode(): number
  close(): Promise<void>
}

export const createContext = (environment: Environment): ContextControl => {
  const { env } = environment
  let flags: GlobalFlags = {}
  let output: Output | undefined
  const folders = foldersOf(env)
  const closers: (() => unknown)[] = []
  const interrupted = new Set<(signal: NodeJS.Signals) => void>()
  const outputGone = new Set<() => void>()
  const once = keepFirst()
  let exitCode = 0
  let settings: Settings | undefined
  // Settings that no command has needed to open are not opened for the look of a line.
  const isPlain = () => flags.plain === true || (settings ? settings.get('face')?.value : env.ROOMTONE_FACE) === 'plain'

  const profile = async () => (await context.setting('profile', flags.profile)) ?? 'default'

  const context: Context = {
    ...environment,
    folders,
    proxy: () => proxyOf(env),
    get output() {
      output ??= createOutput({
        stdout: environment.stdout,
        stderr: environment.stderr,
        color: wantsColor(environment.stdout.isTTY === true, flags.color, env),
        errorColor: wantsColor(environment.stderr.isTTY === true, flags.color, env),
        quiet: flags.quiet === true,
        verbose: flags.verbose === true,
        isPlain,
        debug: Boolean(env.ROOMTONE_DEBUG),
      })
      return output
    },
    flags: () => flags,
    settings: () =>
      once('settings', async () => {
        const { openSettings } = await import('./settings.ts')
        const { workingFolder } = environment
        checkHome(env)
        settings = await openSettings({ configFolder: folders.config, workingFolder, env })
        return settings
      }),
    setting: async (key, flag) => {
      if (flag === undefined) return (await context.settings()).get(key)?.value
      checkValue(key, flag, `--${key}`)
      return flag
    },
    server: () => once('server', () => chooseServer(context)),
    serverAt: async (origin) => {
      const configured = await configuredServer(context)
      return configured === origin ? { url: origin, key: keyOf(origin), isLocal: false } : linked(context, origin)
    },
    credentialsFile: async (server) => `${folders.state}/sign-ins/${await profile()}/${server.key}.json`,
    volumesFile: async (keyOrOrigin) => `${folders.state}/volumes/${await profile()}/${keyOf(keyOrOrigin)}.json`,
    accessToken: async (server) => {
      if (!env.ROOMTONE_TOKEN) return undefined
      const configured = await configuredServer(context)
      // A link to somewhere else must not carry the configured server's token away.
      return configured === undefined || configured === server.url ? env.ROOMTONE_TOKEN : undefined
    },
    credentials: async (server) => {
      const { fileCredentials, tokenCredentials } = await import('../client/credentials.ts')
      const token = await context.accessToken(server)
      return token === undefined ? fileCredentials(await context.credentialsFile(server)) : tokenCredentials(token)
    },
    api: async (server) => {
      const chosen = server ?? (await context.server())
      return once(`api ${chosen.url}`, async () => {
        const { createApi } = await import('../client/api.ts')
        const api = createApi({
          server: chosen.url,
          credentials: await context.credentials(chosen),
          client: `roomtone ${environment.version} on ${process.platform}`,
          proxy: context.proxy(),
        })
        closers.push(() => api.close())
        return api
      })
    },
    onInterrupt: (handler) => listen(interrupted, handler),
    onClose: (close) => void closers.push(close),
    onOutputClosed: (handler) => listen(outputGone, handler),
    exitWith: (code) => {
      exitCode = code
    },
  }

  return {
    context,
    setFlags: (given) => {
      // At once: nothing is to be started for a flag that cannot be.
      for (const key of ['server', 'profile'] as const)
        if (given[key] !== undefined) checkValue(key, given[key], `--${key}`)
      flags = given
      output = undefined
    },
    interrupt: (signal) => {
      for (const handler of interrupted) handler(signal)
      return interrupted.size > 0
    },
    outputClosed: () => {
      for (const handler of outputGone) handler()
      return outputGone.size > 0
    },
    exitCode: () => exitCode,
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close()
    },
  }
}

const listen = <T>(listeners: Set<T>, listener: T) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Opens a thing once; a failed opening may be tried again. */
const keepFirst = () => {
  const kept = new Map<string, Promise<unknown>>()
  return <T>(name: string, open: () => Promise<T>): Promise<T> => {
    const known = kept.get(name)
    if (known) return known as Promise<T>
    const opened = open()
    kept.set(name, opened)
    opened.catch(() => kept.delete(name))
    return opened
  }
}

const configuredServer = async (context: Context): Promise<string | undefined> => {
  const value = await context.setting('server', context.flags().server)
  return value === undefined ? undefined : new URL(value).origin
}

const chooseServer = async (context: Context): Promise<ServerChoice> => {
  const configured = await configuredServer(context)
  if (configured !== undefined) return { url: configured, key: keyOf(configured), isLocal: false }
  const { openLocalServer } = await import('./local-server.ts')
  return openLocalServer(context)
}

const linked = async (context: Context, origin: string): Promise<ServerChoice> => {
  const { runningServer } = await import('./local-server.ts')
  const local = await runningServer(context.folders)
  // The embedded server's own links name its port of today; its sign-in is kept under a lasting name.
  if (local !== undefined && local.url === origin) return local.choice
  return { url: origin, key: keyOf(origin), isLocal: false }
}

const keyOf = (origin: string): string => origin.replace(/[^A-Za-z0-9.-]+/g, '_')

const proxyOf = (env: NodeJS.ProcessEnv): Proxy | undefined => {
  const https = proxyUrl(env, 'HTTPS_PROXY')
  const http = proxyUrl(env, 'HTTP_PROXY')
  const given = env.NO_PROXY || env.no_proxy
  // No proxy sees this machine's own server.
  const except = given === '*' ? given : [...(given ? [given] : []), 'localhost', '127.0.0.1', '[::1]'].join(',')
  return https || http ? { https, http, except } : undefined
}

const proxyUrl = (env: NodeJS.ProcessEnv, name: string): string | undefined => {
  const url = env[name] || env[name.toLowerCase()] || undefined
  // Not repeated in the sentence: there may be a password in it.
  if (url !== undefined && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)))
    throw failure('bad-config', `${name} must be a URL such as http://proxy.example.org:3128`)
  return url
}
