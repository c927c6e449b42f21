import { type ChildProcess, spawn } from 'node:child_process'

type RunOptions = {
  env: Record<string, string | undefined>
  withinMs: number
  signal: AbortSignal
}

/**
 * Runs a program without a shell, with `document` as one line of JSON on its stdin; its arguments are those of the script
 * as they stand. Rejects with a sentence's end when it cannot be started, fails, or takes too long: then it is killed
 * with all that it started.
 */
export const runAlertCommand = (
  [program, ...args]: string[],
  document: unknown,
  { env, withinMs, signal }: RunOptions,
): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error('the bot ended first'))
    const child = spawn(program!, args, {
      detached: process.platform !== 'win32',
      env: env as NodeJS.ProcessEnv,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const end = (why?: string) => {
      clearTimeout(limit)
      signal.removeEventListener('abort', onAbort)
      if (why === undefined) resolve()
      else reject(new Error(why))
    }
    const kill = (why: string) => {
      killFamily(child)
      end(why)
    }
    const onAbort = () => kill('the bot ended first')
    const limit = setTimeout(() => kill(`it took longer than ${withinMs / 1000} s and was ended`), withinMs)
    signal.addEventListener('abort', onAbort)
    child.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ENOENT' ? 'there is no such program' : `it cannot be run (${error.code})`),
    )
    child.once('exit', (code, by) => end(code === 0 ? undefined : `it failed (${code ?? by})`))
    // A program that does not read what it is told has been told nevertheless.
    child.stdin!.on('error', () => {})
    child.stdin!.end(`${JSON.stringify(document)}\n`)
  })

const killFamily = (child: ChildProcess) => {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}
