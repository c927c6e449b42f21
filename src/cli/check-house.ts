import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../server/server.ts'
import { startMediaWorkers } from '../sfu/workers.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'

/** A server of a check's own, on this machine, and the keys of its media server; `close` leaves nothing behind. */
export type House = { url: string; apiKey: string; apiSecret: string; close(): Promise<void> }

const HOST = '127.0.0.1'

export const openHouse = async (context: Context): Promise<House> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'roomtone-check-'))
  const keys = { apiKey: `RT${randomBytes(6).toString('hex')}`, apiSecret: randomBytes(32).toString('base64url') }
  const port = await freePort()
  const detail = (line: string) => context.output.detail(`media: ${line}`)
  const media = await startMediaWorkers({
    ...keys,
    entry: entryOf('media-server'),
    address: HOST,
    webhookUrl: `http://${HOST}:${port}/api/webhooks/livekit`,
    log: detail,
  })
  const removeAll = async () => {
    await media.close()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const server = await startServer({
      host: HOST,
      port,
      store: { dataDir },
      sms: { door: 'outbox', path: join(dataDir, 'outbox.jsonl') },
      media: { ...keys, attach: media as Parameters<typeof startServer>[0]['media']['attach'] },
      version: context.version,
      log: ({ event }) => context.output.detail(`server: ${event}`),
    })
    const close = async () => {
      await server.close()
      await removeAll()
    }
    return { url: server.url, ...keys, close }
  } catch (error) {
    await removeAll()
    throw error
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, HOST, () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
