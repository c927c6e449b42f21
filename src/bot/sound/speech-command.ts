import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { cleanLine } from '../../protocol/text.ts'

export type SpeechCommand = {
  /** The program and its arguments, in which `{text}`, `{out}`, `{voice}` and `{stretch}` are filled in. No shell. */
  command: string[]
  text: string
  voice: string
  stretch: number
  /** Where the sound is to stand afterwards. Without an `{out}` it is what the program prints. */
  out: string
  /** Then it is ended with all it has started. */
  withinMs: number
}

const MAX_COMPLAINT = 2000

/** Lets a program speak a text, which it gets on its standard input, too. Throws with code `speech-failed`. */
export const speakByCommand = async ({
  command,
  text,
  voice,
  stretch,
  out,
  withinMs,
}: SpeechCommand): Promise<void> => {
  const values: Record<string, string> = { text, out, voice, stretch: String(stretch) }
  const [program = '', ...args] = command.map((part) =>
    part.replace(/\{(text|out|voice|stretch)\}/g, (_, name: string) => values[name]!),
  )
  // In a group of its own, so that it can be ended together with its children.
  const child = spawn(program, args, { stdio: 'pipe', detached: true })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    endGroup(child.pid)
    child.stdout.destroy()
  }, withinMs)
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-MAX_COMPLAINT)
  })
  // One that does not read its text breaks the pipe; what it says of itself counts.
  child.stdin.on('error', () => {})
  child.stdin.end(text)
  const isPrinted = !command.some((part) => part.includes('{out}'))
  const printed = isPrinted ? pipeline(child.stdout, createWriteStream(out)).catch(() => {}) : undefined
  if (!isPrinted) child.stdout.resume()

  const failed = (how: string) => {
    if (isLate) return speechFailed(`${program} did not speak ${text.length} characters within ${withinMs / 1000} s.`)
    const said = cleanLine(complaint.trim().split('\n').at(-1) ?? '').slice(0, 200)
    return speechFailed(`${program} ${how}${said && `: ${said}`}.`)
  }
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => reject(notStarted(program, error)))
      // Not `close`: what it has started may hold its pipes for ever.
      child.once('exit', (code, signal) =>
        code === 0 ? resolve() : reject(failed(`ended with ${signal ?? `exit code ${code}`}`)),
      )
    })
    await printed
    const bytes = await stat(out).catch(() => undefined)
    if (isLate || !bytes?.size) throw failed('gave no sound')
  } finally {
    clearTimeout(timer)
    endGroup(child.pid)
  }
}

const endGroup = (pid: number | undefined) => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}

const notStarted = (program: string, { code, message }: NodeJS.ErrnoException) => {
  if (code === 'ENOENT') return speechFailed(`the program ${program} is not there: install it, or give its whole path.`)
  if (code === 'EACCES') return speechFailed(`${program} may not be run: make it executable.`)
  return speechFailed(`${program} could not be started (${message}).`)
}

const speechFailed = (message: string) =>
  Object.assign(new Error(`The speech engine failed: ${message}`), { code: 'speech-failed' })
