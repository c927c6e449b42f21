import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { ram } from '../../support/ram.ts'
import { type Running, startRoomtone } from '../../support/roomtone.ts'
import type { TestServer } from '../../support/server.ts'

/** A `roomtone serve` in a process of its own. */
export type Serve = {
  door: TestServer
  url: string
  pid: number
  stderr(): string
  /** SIGKILL or SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void
  ended: Running['ended']
}

/** Servers on one new database, with one key for hashes and one for media. */
export type House = {
  serve(env?: Record<string, string>, port?: number): Promise<Serve>
  /** One query on the database they share. */
  query<T extends object>(sql: string, values?: unknown[]): Promise<T[]>
  /** Whose turn it is to do what one does for all. */
  leader(): Promise<string | null>
  close(): Promise<void>
}

let postgres: TestPostgres | undefined

export const closePostgres = async (): Promise<void> => postgres?.close()

export const openHouse = async (): Promise<House> => {
  postgres ??= await startPostgres()
  const databaseUrl = await postgres.createDatabase()
  const folder = mkdtempSync(join(ram(), 'rt-house-'))
  const outboxFile = join(folder, 'outbox.jsonl')
  const serverKey = `${randomBytes(32).toString('hex')}\n`
  const database = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  database.on('error', () => {})
  const running: Serve[] = []

  const serve: House['serve'] = async (env = {}, port) => {
    const home = join(folder, `home-${running.length}`)
    const data = join(home, 'data')
    mkdirSync(data, { recursive: true })
    writeFileSync(join(data, 'server.key'), serverKey, { mode: 0o600 })
    const listenOn = port ?? (await freePort())
    const args = ['serve', '--port', `${listenOn}`, '--data', data, '--sms', `outbox:${outboxFile}`, '--json']
    const keys = { LIVEKIT_API_KEY: 'house', LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters' }
    const child = startRoomtone(args, {
      home,
      env: { DATABASE_URL: databaseUrl, ...keys, ...env },
      withinMs: 240_000,
    })
    const url = `http://127.0.0.1:${listenOn}`
    const server: Serve = {
      url,
      pid: child.pid,
      stderr: child.stderr,
      door: { url, outbox: () => readLines(outboxFile) } as TestServer,
      signal: child.kill,
      ended: child.ended,
    }
    running.push(server)
    const listens = eventually(() => child.lines().length > 0, { withinMs: 30_000, what: 'the server listens' })
    const early = child.ended.then(({ code, stderr }) => {
      throw new Error(`serve ended with ${code}: ${stderr}`)
    })
    early.catch(() => {})
    listens.catch(() => {})
    await Promise.race([listens, early])
    return server
  }
  const query: House['query'] = async <T extends object>(sql: string, values: unknown[] = []) =>
    (await database.query(sql, values)).rows as T[]

  return {
    serve,
    query,
    leader: async () => {
      const rows = await query<{ url: string }>(
        `select url from lease join server on server.id = lease.holder
         where expires_at > extract(epoch from clock_timestamp()) * 1000`,
      )
      return rows[0]?.url ?? null
    },
    close: async () => {
      for (const server of running) {
        server.signal('SIGCONT')
        server.signal('SIGTERM')
      }
      const impatient = setTimeout(() => {
        for (const server of running) server.signal('SIGKILL')
      }, 5_000)
      await Promise.all(running.map(({ ended }) => ended))
      clearTimeout(impatient)
      await database.end()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const readLines = (file: string) => {
  try {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line) as { at: string; to: string; text: string })
  } catch {
    return []
  }
}

/** One address for several servers: each connection goes to the first that takes it, as a load balancer would do. */
export const startFrontDoor = async (urls: string[]): Promise<{ url: string; close(): void }> => {
  const ports = urls.map((url) => Number(new URL(url).port))
  const sockets = new Set<Socket>()
  const forward = (client: Socket, [port, ...others]: number[]) => {
    if (port === undefined) return void client.destroy()
    const server = connect(port, '127.0.0.1')
    let isOpen = false
    server.once('connect', () => {
      isOpen = true
      client.pipe(server).pipe(client)
    })
    server.once('error', () => {
      if (isOpen) client.destroy()
      else forward(client, others)
    })
    server.once('close', () => isOpen && client.destroy())
    client.once('close', () => server.destroy())
  }
  const door = createServer((client) => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    client.once('close', () => sockets.delete(client))
    forward(client, ports)
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    close: () => {
      door.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
