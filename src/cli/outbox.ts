import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerChoice } from './context.ts'

const WAIT_MS = 3000

/** The code that an embedded server, having no SMS gateway, put into its outbox for this login. */
export const localCode = async (server: ServerChoice, loginId: string): Promise<string | undefined> => {
  if (server.outboxFile === undefined) return undefined
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(50)) {
    const messages = (await readFile(server.outboxFile, 'utf8').catch(() => '')).trim().split('\n').reverse()
    for (const line of messages) {
      if (line === '') continue
      const { id, text } = JSON.parse(line) as { id: string; text: string }
      if (id === loginId) return /\b\d{6}\b/.exec(text)?.[0]
    }
  }
  return undefined
}
