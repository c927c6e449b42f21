import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import { ram } from './ram.ts'

/** The built command line, as `npm test` builds it; ROOMTONE_TEST_BIN names another build's doorstep. */
export const roomtoneBin =
  process.env.ROOMTONE_TEST_BIN ?? fileURLToPath(new URL('../../bin/roomtone.js', import.meta.url))

export type RoomtoneOptions = {
  home: string
  env?: Record<string, string | undefined>
  stdin?: string
  cwd?: string
  /** SIGKILL after so long, which fails the test by its exit code. */
  withinMs?: number
}
export type Ran = { code: number | null; stdout: string; stderr: string }

/** A home of its own for each test: nothing of the user's, no server configured. */
export const throwawayHome = (): { home: string; close(): Promise<void> } => {
  const home = mkdtempSync(join(ram(), 'rt-'))
  return {
    home,
    close: async () => {
      const pid = serverPid(home)
      await roomtone(['server', 'stop'], { home })
      if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Runs one command to its end. */
export const roomtone = async (args: string[], options: RoomtoneOptions): Promise<Ran> => {
  const running = startRoomtone(args, options)
  if (options.stdin !== undefined) running.write(options.stdin)
  running.endInput()
  return running.ended
}

export type Running = {
  pid: number
  child: ChildProcess
  stdout(): string
  stderr(): string
  /** Complete lines of stdout so far. */
  lines(): string[]
  /** Lines of stdout as JSON. */
  events<T = Record<string, unknown>>(): T[]
  write(text: string): void
  endInput(): void
  kill(signal: NodeJS.Signals): void
  ended: Promise<Ran>
}

/** Starts a command that goes on; tests wait for what its output says. */
export const startRoomtone = (args: string[], options: RoomtoneOptions): Running => {
  const child = spawn(process.execPath, [roomtoneBin, ...args], {
    cwd: options.cwd ?? options.home,
    env: { ...cleanEnvironment(), ROOMTONE_HOME: options.home, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  const deadline = setTimeout(() => child.kill('SIGKILL'), options.withinMs ?? 60_000)
  const ended = new Promise<Ran>((resolve) => {
    child.once('close', (code) => {
      clearTimeout(deadline)
      resolve({ code, stdout, stderr })
    })
  })
  const lines = () => stdout.split('\n').slice(0, -1)
  return {
    pid: child.pid!,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    lines,
    events: <T>() => lines().map((line) => JSON.parse(line) as T),
    write: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    ended,
  }
}

/** The last code in the outbox of the home's own server. */
export const codeFor = (home: string, phone: string): Promise<string> =>
  eventually(
    () => {
      const messages = readFileSync(join(home, 'state', 'outbox.jsonl'), 'utf8')
        .trim()
        .split('\n')
      const message = messages.map((line) => JSON.parse(line)).findLast(({ to }) => to === phone)
      return /\b\d{6}\b/.exec(message?.text ?? '')?.[0] ?? ''
    },
    { withinMs: 5000, what: `a code for ${phone}` },
  )

/** Signs an account in on the home's own server. */
export const login = async (home: string, phone: string, name: string, profile = 'default'): Promise<void> => {
  const sent = await roomtone(['login', '--phone', phone, '--profile', profile], { home })
  if (sent.code !== 0) throw new Error(`login refused: ${sent.stderr}`)
  const code = await codeFor(home, phone)
  const done = await roomtone(['login', '--code', code, '--name', name, '--profile', profile], { home })
  if (done.code !== 0) throw new Error(`code refused: ${done.stderr}`)
}

/** The process of the home's own server, if one was recorded. */
export const serverPid = (home: string): number | undefined => {
  try {
    return JSON.parse(readFileSync(join(home, 'state', 'server.json'), 'utf8')).pid
  } catch {
    return undefined
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export const cleanEnvironment = (): NodeJS.ProcessEnv => {
  const env = { ...process.env }
  for (const name of Object.keys(env))
    if (
      /^(ROOMTONE_|LIVEKIT_|DATABASE_URL$|NO_COLOR$|VITEST|NODE_ENV$|FORCE_COLOR$|HTTPS?_PROXY$|https?_proxy$)/.test(
        name,
      )
    )
      delete env[name]
  return env
}
