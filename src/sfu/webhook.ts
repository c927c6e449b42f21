import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebhookEvent } from '@livekit/protocol'
import { AccessToken } from 'livekit-server-sdk'

/** Tells one address what happens in the rooms, in LiveKit's form; in order per room, each event tried a few times. */
export type Webhooks = {
  send(event: WebhookEvent): void
  /** Waits, bounded, until what is queued has gone out. */
  close(): Promise<void>
}

export type WebhookOptions = {
  url: string | undefined
  apiKey: string
  apiSecret: string
  onFailed(message: string): void
}

const RETRY_MS = [200, 500, 1000, 2000]
const REQUEST_MS = 5000
const CLOSE_MS = 1000
const MAX_QUEUED = 5000

export const createWebhooks = ({ url, apiKey, apiSecret, onFailed }: WebhookOptions): Webhooks => {
  const queues = new Map<string, Promise<void>>()
  let queued = 0
  if (!url) return { send: () => {}, close: async () => {} }

  const deliver = async (event: WebhookEvent): Promise<void> => {
    const body = event.toJsonString()
    for (const delayMs of [...RETRY_MS, undefined]) {
      const problem = await post(url, apiKey, apiSecret, body)
      if (problem === undefined) return
      if (delayMs === undefined) return onFailed(`webhook ${event.event}: ${problem}`)
      await sleep(delayMs, undefined, { ref: false })
    }
  }

  return {
    send: (event) => {
      if (queued >= MAX_QUEUED) return onFailed(`webhook ${event.event}: too many are waiting`)
      queued += 1
      const room = event.room?.sid ?? ''
      const next = (queues.get(room) ?? Promise.resolve())
        .then(() => deliver(event))
        .finally(() => {
          queued -= 1
          if (queues.get(room) === next) queues.delete(room)
        })
      queues.set(room, next)
    },
    close: async () => {
      await Promise.race([Promise.allSettled(queues.values()), sleep(CLOSE_MS)])
    },
  }
}

/** Undefined when it arrived. The signature: a JWT whose `sha256` claim is the base64 digest of the body. */
const post = async (url: string, apiKey: string, apiSecret: string, body: string): Promise<string | undefined> => {
  const token = new AccessToken(apiKey, apiSecret, { ttl: '5m' })
  token.sha256 = createHash('sha256').update(body).digest('base64')
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/webhook+json', authorization: await token.toJwt() },
      body,
      signal: AbortSignal.timeout(REQUEST_MS),
    })
    await response.arrayBuffer()
    return response.ok ? undefined : `answered ${response.status}`
  } catch (error) {
    return (error as Error).message
  }
}
