import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'

export type TestRedis = { address: string; close(): Promise<void> }

const binary = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'redis-server'))
  .find((path) => existsSync(path))

/** Why Redis cannot run here, for a visible skip; null when it can. */
export const noRedis: string | null = binary ? null : 'no redis-server is installed'

/** A Redis of its own on loopback that keeps nothing. */
export const startRedis = async (): Promise<TestRedis> => {
  if (!binary) throw new Error(noRedis ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-redis-'))
  const port = await freePort()
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const server = spawn(binary, settings, { stdio: 'ignore' })
  const close = async () => {
    const gone = new Promise((resolve) => server.once('exit', resolve))
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
  await eventually(() => answers(port), { withinMs: 10_000, what: 'Redis answers', everyMs: 50 }).catch(
    async (error) => {
      await close()
      throw error
    },
  )
  return { address: `127.0.0.1:${port}`, close }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.setTimeout(1_000, () => socket.destroy(new Error('Redis says nothing')))
    socket.once('error', reject)
    socket.once('data', (text) => {
      socket.destroy()
      resolve(text.toString().startsWith('+PONG'))
    })
  })
