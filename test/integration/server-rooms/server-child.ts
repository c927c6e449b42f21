import { startServer } from '../../../src/server/server.ts'

// A server in a process of its own, to be killed. Media: a server at the URL given.
const [dataDir, databaseUrl, port, mediaUrl, apiKey, apiSecret] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const server = await startServer({
  host: '127.0.0.1',
  port: Number(port),
  store: { dataDir, databaseUrl: databaseUrl || undefined },
  sms: { door: 'outbox', path: `${dataDir}/outbox.jsonl` },
  media: { url: mediaUrl, apiKey, apiSecret },
  settings: { resendAfterMs: 0, sweepMs: 100 },
  version: '0.0.0-test',
})
process.stdout.write(`${server.url}\n`)
