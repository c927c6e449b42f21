import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { ram } from './ram.ts'

export type TestPostgres = {
  /** Makes an empty database and returns its URL; with a password that of a user who needs it. */
  createDatabase(password?: string): Promise<string>
  /** Ends the server at once; `start` brings it back with its data. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

const binaries = ((): string | null => {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const folders = versions.map((version) => join(root, version, 'bin'))
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null
})()

// PostgreSQL refuses to run as root; Debian's package makes this user.
const unprivileged = ((): { uid: number; gid: number } | null => {
  if (process.getuid?.() !== 0) return {} as { uid: number; gid: number }
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
})()

/** Why PostgreSQL cannot run here, for a visible skip; null when it can. */
export const noPostgres: string | null =
  binaries === null
    ? 'no PostgreSQL server is installed'
    : unprivileged === null
      ? 'PostgreSQL does not run as root, and there is no user postgres'
      : null

/** A PostgreSQL server of its own in a temporary folder, on loopback, run as a user that is not root. */
export const startPostgres = async (): Promise<TestPostgres> => {
  if (binaries === null || unprivileged === null) throw new Error(noPostgres ?? '')
  const folder = mkdtempSync(join(ram(), 'roomtone-postgres-'))
  if (unprivileged.uid !== undefined) chownSync(folder, unprivileged.uid, unprivileged.gid)
  const data = join(folder, 'data')
  execFileSync(join(binaries, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...unprivileged,
    cwd: folder,
    stdio: 'ignore',
  })
  const port = await freePort()
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off']
  const hba = join(data, 'pg_hba.conf')
  writeFileSync(hba, `host all ${guarded} all scram-sha-256\n${readFileSync(hba, 'utf8')}`)
  let complaints = ''
  const spawnServer = () => {
    const options = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]
    const child = spawn(join(binaries, 'postgres'), options, {
      ...unprivileged,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.on('data', (text) => {
      complaints = `${complaints}${text}`.slice(-4_000)
    })
    return child
  }
  let server = spawnServer()
  const url = (database: string) => `postgresql://postgres@127.0.0.1:${port}/${database}`
  const query = async (sql: string) => {
    const client = new pg.Client({ connectionString: url('postgres') })
    try {
      await client.connect()
      await client.query(sql)
      return true
    } finally {
      await client.end()
    }
  }
  const stop = async () => {
    const gone = new Promise((resolve) => server.once('exit', resolve))
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGQUIT')
    await gone
  }
  const answers = () =>
    eventually(() => query('select 1'), { withinMs: 20_000, what: 'PostgreSQL answers', everyMs: 100 })
  const close = async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await answers()
  } catch (error) {
    await close()
    throw new Error(`${(error as Error).message}\n${complaints}`)
  }
  return {
    createDatabase: async (password) => {
      const name = `t_${randomUUID().replaceAll('-', '')}`
      await query(`create database ${name}`)
      if (password === undefined) return url(name)
      await query(`create role ${guarded} superuser login password '${password}'`)
      return url(name).replace('postgres@', `${guarded}:${password}@`)
    },
    stop,
    start: async () => {
      server = spawnServer()
      await answers()
    },
    close,
  }
}

const guarded = 'guarded'
