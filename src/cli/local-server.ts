import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type ServerInfo, serverInfoSchema } from '../protocol/server.ts'
import type { Context, ServerChoice } from './context.ts'
import { failure } from './failure.ts'
import type { Folders } from './folders.ts'
import { readPrivateFile } from './private-file.ts'

const START_MS = 60_000
const STOP_MS = 10_000

export const serverRecordSchema = z.object({
  url: z.url(),
  pid: z.number().int().positive(),
  version: z.string(),
  /** Started by a command that needed one; it ends when nobody needs it any more. */
  isEmbedded: z.boolean(),
})
export type ServerRecord = z.infer<typeof serverRecordSchema>

export type RunningServer = ServerRecord & { info: ServerInfo; choice: ServerChoice }

/** The record of the server that keeps this home's data: 0600, written by `serve`, removed when it ends. */
export const serverFile = (folders: Folders): string => join(folders.state, 'server.json')
export const outboxFile = (folders: Folders): string => join(folders.state, 'outbox.jsonl')
export const serverDataFolder = (folders: Folders): string => join(folders.data, 'server')

/** The server of this home, if one answers. A record left behind by kill -9 answers nothing, or is another program's port. */
export const runningServer = async (folders: Folders): Promise<RunningServer | undefined> => {
  const record = await readPrivateFile(serverFile(folders), serverRecordSchema)
  if (!record || !isAlive(record.pid)) return undefined
  const info = await askServer(record.url)
  if (!info) return undefined
  const outbox = record.isEmbedded ? { outboxFile: outboxFile(folders) } : {}
  return { ...record, info, choice: { url: record.url, key: 'local', isLocal: true, ...outbox } }
}

/** The server of this home, started when there is none: one, however many commands ask at once. */
export const openLocalServer = async (context: Context): Promise<ServerChoice> => {
  const running = await usable(context)
  if (running) return running.choice
  return withLock(join(context.folders.state, 'server.lock'), async () => {
    const now = await usable(context)
    return (now ?? (await startDetached(context))).choice
  })
}

/** Starts the embedded server again where it is the one in use and has died; its port of last time is nearly always free. */
export const reviveLocalServer = async (context: Context): Promise<void> => {
  const { isLocal, url } = await context.server()
  if (!isLocal) return
  const now = await openLocalServer(context)
  if (now.url !== url)
    throw failure('unreachable', `the server on this machine is at ${now.url} now: start roomtone again`)
}

/** Asks it to end, waits, and kills it as a last resort. */
export const stopServer = async (server: ServerRecord): Promise<void> => {
  process.kill(server.pid, 'SIGTERM')
  for (const deadline = Date.now() + STOP_MS; Date.now() < deadline; await sleep(50)) if (!isAlive(server.pid)) return
  process.kill(server.pid, 'SIGKILL')
}

/** An embedded server of another version is replaced when nobody is in it, else used as it is. */
const usable = async (context: Context): Promise<RunningServer | undefined> => {
  const running = await runningServer(context.folders)
  if (!running || running.version === context.version) return running
  const inUse = running.info.seats + running.info.subscribers + running.info.liveRooms > 0
  if (inUse || !running.isEmbedded) {
    context.output.note(
      `The server on this machine is version ${running.version}, this program is ${context.version}; ` +
        'restart it when nobody is in a room: roomtone server stop',
    )
    return running
  }
  await stopServer(running)
  return undefined
}

const startDetached = async (context: Context): Promise<RunningServer> => {
  const { folders, env } = context
  mkdirSync(folders.state, { recursive: true, mode: 0o700 })
  const logFile = join(folders.state, 'server.log')
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(process.execPath, [context.program, 'serve', '--embedded'], {
    detached: true,
    stdio: ['ignore', log, log],
    // Not the user's folder: its roomtone.yaml is not this server's, and it may go away.
    cwd: folders.state,
    env: embeddedEnvironment(env, folders),
  })
  closeSync(log)
  child.unref()
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', () => {
    ended = lastLine(logFile)
  })
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(50)) {
    const running = await runningServer(folders)
    if (running) return running
    if (ended !== undefined) throw failure('server-failed', `the server on this machine did not start: ${ended}`)
  }
  child.kill('SIGKILL')
  throw failure('unreachable', `the server on this machine did not answer within ${START_MS / 1000} s; see ${logFile}`)
}

/** The embedded server is its own: no database, media server or sign-in of whatever else the user does. */
const embeddedEnvironment = (env: NodeJS.ProcessEnv, folders: Folders): NodeJS.ProcessEnv => {
  const kept: NodeJS.ProcessEnv = { ...env, ...(env.ROOMTONE_HOME ? { ROOMTONE_HOME: folders.config } : {}) }
  for (const name of Object.keys(kept))
    if (/^(DATABASE_URL|LIVEKIT_.*|ROOMTONE_(SERVER|PROFILE|TOKEN|FACE))$/.test(name)) delete kept[name]
  return kept
}

const askServer = async (url: string): Promise<ServerInfo | undefined> => {
  try {
    const response = await fetch(`${url}/api/server`, { signal: AbortSignal.timeout(3000) })
    return serverInfoSchema.parse(await response.json())
  } catch {
    return undefined
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const lastLine = (file: string): string => {
  const line = (existsSync(file) ? readFileSync(file, 'utf8') : '')
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^roomtone: /, '')
  return line || `it ended without a word; see ${file}`
}

/**
 * Lets one process at a time through. The lock of a dead process is taken over; should two do so in the same instant,
 * the lock on the server's data still lets only one server run.
 */
const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (isAbandoned(file)) rmSync(file, { force: true })
      else await sleep(50)
    }
  }
  const release = () => rmSync(file, { force: true })
  process.once('exit', release)
  try {
    return await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

const isAbandoned = (file: string): boolean => {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // Empty for the moment between its making and its writing.
    if (!pid) return existsSync(file) && Date.now() - statSync(file).mtimeMs > 5000
    return !isAlive(pid)
  } catch {
    return false
  }
}
