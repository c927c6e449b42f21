import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerChoice } from './context.ts'

const WAIT_MS = 3000

/** The code that an embedded server, having no SMS gateway, put into its outbox for this number. */
export const localCode = async (
  server: ServerChoice,
  phone: string,
  sentAfterMs: number,
): Promise<string | undefined> => {
  if (server.outboxFile === undefined) return undefined
  const number = phone.replace(/[\s().-]/g, '')
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(50)) {
    const messages = (await readFile(server.outboxFile, 'utf8').catch(() => '')).trim().split('\n').reverse()
    for (const line of messages) {
      if (line === '') continue
      const { at, to, text } = JSON.parse(line) as { at: string; to: string; text: string }
      if (to === number && Date.parse(at) >= sentAfterMs) return /\b\d{6}\b/.exec(text)?.[0]
    }
  }
  return undefined
}
