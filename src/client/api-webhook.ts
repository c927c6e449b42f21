import { request } from 'undici'
import { type ApiOptions, openDispatcher } from './api.ts'

export type Webhooks = {
  /** POSTs one JSON document; rejects with a sentence's end where it was not taken (2xx). Redirects are not followed. */
  post(url: string, document: { id: string }, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export const createWebhooks = ({ client = 'roomtone', proxy }: Pick<ApiOptions, 'client' | 'proxy'>): Webhooks => {
  const dispatcher = openDispatcher(proxy)
  return {
    post: async (url, document, signal) => {
      const { statusCode, body } = await request(url, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': document.id, 'user-agent': client },
        body: JSON.stringify(document),
        signal,
      })
      await body.dump({ limit: 65_536, signal })
      if (statusCode < 200 || statusCode > 299) throw new Error(`it answered ${statusCode}`)
    },
    close: () => dispatcher.destroy(),
  }
}
