import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { listDevices } from '../audio/devices.ts'
import { serverInfoSchema } from '../protocol/server.ts'
import { watchWords } from './commands/server.ts'
import type { Context } from './context.ts'
import { deviceOptions } from './devices.ts'
import { exitCodeOf, sentenceOf } from './failure.ts'
import { runningServer, serverDataFolder } from './local-server.ts'
import { mediaPlane } from './media-plane.ts'

/** `warning`: a part is missing and something else does its work. */
type Finding = {
  name: string
  status: 'ok' | 'warning' | 'failed'
  says: string
  /** What mends it: one command or one deed. */
  mend?: string
  /** For a failed one: the exit code it stands for. */
  exitCode?: number
}

type Found = Omit<Finding, 'name'>

export const doctor = async (context: Context, options: { json?: boolean }) => {
  const { output } = context
  const findings: Finding[] = []
  for (const [name, check] of checks) {
    const failed = (error: unknown): Found => ({
      status: 'failed',
      says: sentenceOf(error),
      exitCode: exitCodeOf(error),
    })
    findings.push({ name, ...(await check(context).catch(failed)) })
  }
  const failed = findings.filter(({ status }) => status === 'failed')
  if (failed.length > 0) context.exitWith(failed[0]?.exitCode ?? 1)
  if (options.json)
    return output.json({ ok: failed.length === 0, findings: findings.map(({ exitCode, ...told }) => told) })
  const marks = {
    ok: output.paint('green', 'ok'),
    warning: output.paint('yellow', 'missing'),
    failed: output.paint('red', 'FAILED'),
  }
  output.table(
    ['state', 'part', 'says'],
    findings.map(({ name, status, says, mend }) => [marks[status], name, mend ? `${says}. Mend: ${mend}` : says]),
  )
}

const checkNode = async (): Promise<Found> => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const fits = major > 20 || (major === 20 && minor >= 19)
  const says = `${process.version} on ${process.platform} ${process.arch}`
  return fits ? { status: 'ok', says } : { status: 'failed', says, mend: 'install Node 20.19 or newer' }
}

const checkFolders = async ({ folders }: Context): Promise<Found> => {
  for (const folder of [folders.config, folders.data, folders.state, folders.sockets]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
  }
  return { status: 'ok', says: `settings in ${folders.config}, data in ${folders.data}` }
}

type Part = { name: string; packageName: string; ok: string; without: string; isOptional: boolean }

const parts: Part[] = [
  {
    name: 'WebRTC client',
    packageName: '@roamhq/wrtc',
    ok: 'joining rooms works',
    without: 'rooms cannot be joined from here',
    isOptional: false,
  },
  {
    name: 'WebRTC server',
    packageName: 'node-datachannel',
    ok: 'the embedded media server works',
    without: 'serve needs a LiveKit server elsewhere (LIVEKIT_URL)',
    isOptional: false,
  },
  {
    name: 'Opus',
    packageName: '@discordjs/opus',
    ok: 'native codec',
    without: 'not built here; the WebAssembly codec does its work, slower',
    isOptional: true,
  },
  {
    name: 'PortAudio',
    packageName: 'naudiodon',
    ok: 'loads',
    without: 'not built here; sound goes through pacat, pw-cat, aplay or SoX where one is installed',
    isOptional: true,
  },
]

const checkPart = (part: Part) => async (): Promise<Found> => {
  const { packageName, isOptional } = part
  const problem = await loadProblem(packageName)
  if (problem === undefined) return { status: 'ok', says: part.ok }
  return {
    status: isOptional ? 'warning' : 'failed',
    says: isOptional ? part.without : `${part.without} (${problem})`,
    mend: isOptional ? `${compiler}${install(problem, packageName)}` : install(problem, packageName),
  }
}

/** What builds an optional part. */
const compiler = process.platform === 'linux' ? 'apt-get install -y python3 make g++ && ' : ''

const install = (problem: string, packageName: string): string =>
  problem === 'not installed' ? 'npm ci' : `npm rebuild ${packageName}`

/** Loads a native part in a process of its own: what crashes there harms nobody. */
const loadProblem = async (packageName: string): Promise<string | undefined> => {
  let path: string
  try {
    path = createRequire(import.meta.url).resolve(packageName)
  } catch {
    return 'not installed'
  }
  const script = `require(${JSON.stringify(path)}); process.stdout.write('loaded', () => process.kill(process.pid, 'SIGKILL'))`
  const ran = await promisify(execFile)(process.execPath, ['-e', script], { timeout: 10_000 }).catch((error) => error)
  if (String(ran.stdout).includes('loaded')) return undefined
  const line = String(ran.stderr)
    .split('\n')
    .find((text) => /^\w*Error\b/.test(text))
  return line ? line.slice(0, 160) : 'it does not load'
}

const checkSound = async (context: Context): Promise<Found> => {
  const { engine, inputs, outputs, problem } = await listDevices(await deviceOptions(context))
  const { SSH_CONNECTION, PULSE_SERVER } = context.env
  if (engine === 'none')
    return {
      status: 'warning',
      says: `${problem ?? 'none'}; rooms still work with --microphone tone:, file:, stdin and --speaker file:, none`,
      mend: SSH_CONNECTION ? soundOverSsh : undefined,
    }
  const says = `${count(inputs.length, 'microphone')}, ${count(outputs.length, 'speaker')} by ${engine}`
  // Whoever names a sound server has brought their own.
  if (!SSH_CONNECTION || PULSE_SERVER) return { status: 'ok', says }
  return { status: 'ok', says: `${says}, at this machine; to hear at your own: ${soundOverSsh}` }
}

/** The two ways of docs/ssh.md. */
const soundOverSsh =
  'where you sit, run `ssh HOST roomtone join ROOM --speaker stdout | pacat --raw --format=s16le --rate=48000 --channels=1 --latency-msec=200`, or ' +
  'come by `ssh -R 24713:$XDG_RUNTIME_DIR/pulse/native HOST` and set PULSE_SERVER=tcp:127.0.0.1:24713 here (docs/ssh.md)'

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

const checkServer = async (context: Context): Promise<Found> => {
  const configured = await context.setting('server', context.flags().server)
  if (configured === undefined) {
    const running = await runningServer(context.folders)
    if (!running) return { status: 'ok', says: 'none is configured; one starts on this machine when needed' }
    return { status: 'ok', says: `runs on this machine at ${running.url}, version ${running.version}` }
  }
  const response = await context.api().then((api) => api.call('server'))
  return { status: 'ok', says: `${configured} answers, version ${serverInfoSchema.parse(response).version}` }
}

/** Whether the media server works for the server, and answers from here; the path for sound is tried by joining. */
const checkMedia = async (context: Context): Promise<Found> => {
  const configured = await context.setting('server', context.flags().server)
  const info = configured
    ? await context.api().then((api) => api.call('server'))
    : (await runningServer(context.folders))?.info
  if (!info) return checkMediaPlane(context)
  const { url, isEmbedded, watch, problem } = info.media
  if (problem) return { status: 'failed', says: withoutStop(problem), exitCode: 7 }
  try {
    await fetch(`${url.replace(/^ws/, 'http')}/rtc/validate`, { signal: AbortSignal.timeout(5000) })
  } catch {
    return { status: 'failed', says: `${url} does not answer from here`, exitCode: 7 }
  }
  return { status: 'ok', says: isEmbedded ? `${url} answers` : `${url} answers, and ${watchWords[watch]}` }
}

/** No server runs: what one would use if it were started now. */
const checkMediaPlane = async ({ env, folders }: Context): Promise<Found> => {
  const isTold = env.LIVEKIT_URL || env.LIVEKIT_API_KEY || env.LIVEKIT_API_SECRET
  const { url, notice } = isTold ? await mediaPlane(env, serverDataFolder(folders)) : {}
  if (!url) return { status: 'ok', says: notice ? withoutStop(notice) : 'starts with the server' }
  if (notice) return { status: 'failed', says: withoutStop(notice), exitCode: 7 }
  return { status: 'ok', says: `${url} answers, and takes the API key` }
}

const withoutStop = (sentence: string): string => sentence.replace(/\.$/, '')

const checkProxy = async ({ env }: Context): Promise<Found> => {
  const file = env.NODE_EXTRA_CA_CERTS
  if (file && !existsSync(file))
    return { status: 'warning', says: `NODE_EXTRA_CA_CERTS names ${file}, which is not there` }
  return { status: 'ok', says: file ? `also those of ${file}` : "Node's own" }
}

const checks: [name: string, check: (context: Context) => Promise<Found>][] = [
  ['node', checkNode],
  ['folders', checkFolders],
  ...parts.map((part): [string, () => Promise<Found>] => [part.name, checkPart(part)]),
  ['sound devices', checkSound],
  ['certificates', checkProxy],
  ['server', checkServer],
  ['media server', checkMedia],
]
