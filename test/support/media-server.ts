import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { AccessToken, RoomServiceClient, type VideoGrant } from 'livekit-server-sdk'
import {
  type MediaServer,
  type MediaServerOptions,
  startMediaServer,
  superviseMediaServer,
} from '../../src/sfu/process.ts'
import { type MediaWorkers, type MediaWorkersOptions, startMediaWorkers } from '../../src/sfu/workers.ts'

export const API_KEY = 'testkey'
export const API_SECRET = 'a secret of at least thirty-two characters'

export type TestMediaServer<M = MediaServer> = {
  url: string
  httpUrl: string
  media: M
  rooms: RoomServiceClient
  token(identity: string, room: string, grant?: VideoGrant & { name?: string; ttl?: string }): Promise<string>
  metrics(): Promise<Record<string, number>>
  close(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Bundles the child alone, as scripts/build.js would, into a folder of this process; returns the entry's path. */
export const buildMediaServer = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-media-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const outfile = join(folder, 'media-server.mjs')
  buildSync({
    entryPoints: [join(root, 'src/sfu/media-server.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['node-datachannel', 'bufferutil', 'utf-8-validate'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  return outfile
}

/** A tiny HTTP server that carries /rtc and /twirp to a media server, as `serve` does. */
export const startTestMediaServer = async (
  options: Partial<MediaServerOptions> & { entry: string; supervised?: boolean },
): Promise<TestMediaServer> => {
  const { supervised, ...rest } = options
  return serveMedia((given) => (supervised ? superviseMediaServer : startMediaServer)({ ...given, ...rest }))
}

/** The same in front of several media workers. */
export const startTestMediaWorkers = (
  options: Partial<MediaWorkersOptions> & { entry: string },
): Promise<TestMediaServer<MediaWorkers>> => serveMedia((given) => startMediaWorkers({ ...given, ...options }))

type Carried = Pick<MediaServer, 'handleUpgrade' | 'handleRequest' | 'close'>

const serveMedia = async <M extends Carried>(
  start: (given: Pick<MediaServerOptions, 'apiKey' | 'apiSecret' | 'log'>) => Promise<M>,
): Promise<TestMediaServer<M>> => {
  const lines: string[] = []
  const log = (line: string): void => void lines.push(line)
  const media = await start({ apiKey: API_KEY, apiSecret: API_SECRET, log })
  const http = createServer(async (req, res) => {
    const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]))
    const answer = await media.handleRequest({
      method: req.method ?? 'GET',
      path: req.url ?? '/',
      headers,
      body: await readBody(req),
    })
    res.writeHead(answer.status, answer.headers).end(answer.body)
  })
  http.on('upgrade', (req, socket, head) => media.handleUpgrade(req, socket as Socket, head))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  return {
    url: `ws://${host}`,
    httpUrl: `http://${host}`,
    media,
    rooms: new RoomServiceClient(`http://${host}`, API_KEY, API_SECRET),
    token: async (identity, room, { name, ttl, ...grant } = {}) => {
      const token = new AccessToken(API_KEY, API_SECRET, { identity, name, ttl })
      token.addGrant({ roomJoin: true, room, ...grant })
      return token.toJwt()
    },
    metrics: async () => (await fetch(`http://${host}/metrics`)).json() as Promise<Record<string, number>>,
    close: async () => {
      await media.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      const bad = lines.filter((line) => line.includes('unexpected'))
      if (bad.length > 0) throw new Error(`the media server met what it should not: ${bad.join('\n')}`)
    },
  }
}

const readBody = async (req: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
