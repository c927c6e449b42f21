import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'

/** The one that everything is held against; ROOMTONE_LIVEKIT_SERVER names a binary to use instead. */
const VERSION = 'v1.13.5'
const MODULE = `github.com/livekit/livekit-server/cmd/server@${VERSION}`

export type LivekitOptions = {
  apiKey?: string
  apiSecret?: string
  /** Signal port; any free one unless said. */
  port?: number
  /** Where it listens and is reached; loopback unless said. */
  address?: string
  webhookUrls?: string[]
  /** False: only CreateRoom makes rooms. */
  autoCreate?: boolean
  /** `127.0.0.1:6379`: servers that share one are one cluster. */
  redis?: string
  /** Lines of YAML at the top level, as its config-sample.yaml names them. */
  yaml?: string[]
}

export type LivekitServer = {
  url: string
  httpUrl: string
  key: string
  secret: string
  readonly pid: number
  /** What it logged so far, one JSON document a line. */
  log(): string
  /** In order, as SIGTERM does; it may be restarted. */
  stop(): Promise<void>
  kill(): Promise<void>
  /** On the same ports with the same keys; `change` is kept for later restarts. */
  restart(change?: LivekitOptions): Promise<void>
  /** Stops it and removes its files. */
  close(): Promise<void>
}

/** A real livekit-server on free ports of loopback. */
export const startLivekitServer = async (options: LivekitOptions = {}): Promise<LivekitServer> => {
  if (binary === null) throw new Error(noLivekit ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-livekit-'))
  const address = options.address ?? '127.0.0.1'
  const ports = { signal: options.port ?? (await freePort()), tcp: await freePort(), udp: await freePort() }
  let settings = { apiKey: 'testkey', apiSecret: 'a secret of at least thirty-two characters', ...options }
  let child: ChildProcess
  let log = ''
  const start = async () => {
    const file = join(folder, 'livekit.yaml')
    writeFileSync(file, configOf(settings, ports))
    child = spawn(binary, ['--config', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (log += text))
    await eventually(() => isUp(`http://${address}:${ports.signal}`, child, () => log), {
      withinMs: 20_000,
      what: 'livekit-server answers',
      everyMs: 50,
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    // With people inside it waits for them to leave, unless told a second time.
    const again = setTimeout(() => child.kill(signal), 1_000)
    const last = setTimeout(() => child.kill('SIGKILL'), 8_000)
    await gone
    clearTimeout(again)
    clearTimeout(last)
  }
  const close = async () => {
    await end('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  await start().catch(async (error) => {
    await close()
    throw error
  })
  return {
    url: `ws://${address}:${ports.signal}`,
    httpUrl: `http://${address}:${ports.signal}`,
    key: settings.apiKey,
    secret: settings.apiSecret,
    get pid() {
      return child.pid!
    },
    log: () => log,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    restart: async (change = {}) => {
      await end('SIGKILL')
      settings = { ...settings, ...change }
      await start()
    },
    close,
  }
}

type Ports = { signal: number; tcp: number; udp: number }

const configOf = (
  { apiKey, apiSecret, address, webhookUrls, autoCreate, redis, yaml = [] }: LivekitOptions,
  ports: Ports,
): string =>
  [
    `port: ${ports.signal}`,
    `bind_addresses: ["${address ?? '127.0.0.1'}"]`,
    'rtc:',
    `  node_ip: ${address ?? '127.0.0.1'}`,
    ...(address ? [`  ips: { includes: ["${address}/32"] }`] : ['  interfaces: { includes: [lo] }']),
    '  enable_loopback_candidate: true',
    `  tcp_port: ${ports.tcp}`,
    `  udp_port: ${ports.udp}`,
    `keys: { ${apiKey}: ${apiSecret} }`,
    'logging: { json: true, level: info }',
    ...(autoCreate === undefined ? [] : [`room: { auto_create: ${autoCreate} }`]),
    ...(redis ? [`redis: { address: "${redis}" }`] : []),
    ...(webhookUrls ? [`webhook: { api_key: ${apiKey}, urls: ${JSON.stringify(webhookUrls)} }`] : []),
    ...yaml,
    '',
  ].join('\n')

const isUp = async (url: string, child: ChildProcess, log: () => string): Promise<boolean> => {
  if (child.exitCode !== null) throw new Error(`livekit-server ended with ${child.exitCode}: ${log().slice(-2_000)}`)
  const answer = await fetch(url)
  return answer.ok
}

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const onPath = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isProgram)

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'roomtone-test', `livekit-${VERSION}`)

/** Found, or built once per machine (about two minutes) where Go is. */
const findBinary = async (): Promise<string> => {
  const named = process.env.ROOMTONE_LIVEKIT_SERVER
  if (named) {
    if (!isProgram(named)) throw new Error(`ROOMTONE_LIVEKIT_SERVER names ${named}, which is no program`)
    return named
  }
  const built = join(cache, 'livekit-server')
  const found = onPath('livekit-server') ?? (isProgram(built) ? built : undefined)
  if (found) return found
  const go = onPath('go') ?? ['/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(isProgram)
  if (!go) throw new Error('no livekit-server on the PATH, and no Go to build one')
  return build(go, built)
}

const build = async (go: string, built: string): Promise<string> => {
  mkdirSync(cache, { recursive: true })
  const lock = join(cache, 'building')
  const isMine = await eventually(() => isProgram(built) || takes(lock), {
    withinMs: 900_000,
    what: `livekit-server is built by another process (remove ${lock} if there is none)`,
    everyMs: 500,
  })
  if (isMine === true && isProgram(built)) return built
  try {
    // `go install` names what it makes after its folder.
    const made = join(cache, 'bin')
    await promisify(execFile)(go, ['install', MODULE], {
      env: { ...process.env, GOBIN: made, GOFLAGS: '-trimpath' },
      timeout: 900_000,
      maxBuffer: 64 * 1024 * 1024,
    })
    renameSync(join(made, 'server'), built)
    return built
  } catch (error) {
    throw new Error(`Go could not build livekit-server: ${(error as Error).message.split('\n').at(-1)}`)
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

const takes = (lock: string): boolean => {
  try {
    mkdirSync(lock)
    return true
  } catch {
    const ageMs = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (ageMs > 900_000) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

// Before any test counts its time: a build outlasts every hook.
const search: { binary: string; problem: null } | { binary: null; problem: string } = await findBinary().then(
  (path) => ({ binary: path, problem: null }),
  (error: Error) => ({ binary: null, problem: error.message }),
)
const { binary } = search

/** Why no livekit-server can run here, for the title of what is skipped; null when one can. */
export const noLivekit: string | null = search.problem
